"""The first form of every table.

Numbered and named; only ever followed, never edited. Times are milliseconds since 1970 (core.db.Instant).
"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SQLite numbers rows in order of arrival only under INTEGER PRIMARY KEY.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    create_core()
    create_staff()
    create_chat()
    create_knowledge()
    create_hours()
    create_outcomes()
    settings = sa.table("setting", sa.column("name", sa.String), sa.column("value", sa.Text))
    # A database that was made anew or restored has another epoch, so that clients drop what they counted with the old one.
    epoch = secrets.token_hex(16)
    op.bulk_insert(settings, [{"name": "database_epoch", "value": epoch}, {"name": "guidance_counter", "value": "0"}])


def create_core() -> None:
    op.create_table(
        "setting",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_setting"),
    )
    op.create_table(
        "audit",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_table(
        "audit_head",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_lease"),
    )
    op.create_table(
        "throttle",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("blocked_until", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_throttle"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    op.create_index("ix_outbox_done_due", "outbox", ["done", "due"])


def create_staff() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("password_hash", sa.String(255)),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("presence", sa.String(16), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("presence_since", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_account"),
        sa.UniqueConstraint("email", name="uq_account_email"),
    )
    op.create_table(
        "account_role",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "role", name="pk_account_role"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_account_role_account_id"),
    )
    op.create_table(
        "session",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_session"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_session_account_id"),
    )
    op.create_index("ix_session_account_id", "session", ["account_id"])


def create_chat() -> None:
    create_conversation()
    op.create_table(
        "event",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("conversation_id", ROW_ID, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("author", sa.String(32), nullable=False),
        sa.Column("client_id", sa.String(32)),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name="fk_event_conversation_id"),
        sa.UniqueConstraint("conversation_id", "seq", name="uq_event_conversation_id_seq"),
        sa.UniqueConstraint("conversation_id", "author", "client_id", name="uq_event_conversation_id_author_client_id"),
    )
    op.create_table(
        "participant",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("conversation_id", ROW_ID, nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("part", sa.String(16), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_participant"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name="fk_participant_conversation_id"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_participant_account_id"),
    )
    op.create_index("ix_participant_account_id_until", "participant", ["account_id", "until"])
    op.create_index("ix_participant_conversation_id_until", "participant", ["conversation_id", "until"])
    op.create_table(
        "draft",
        sa.Column("conversation_id", ROW_ID, nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "account_id", name="pk_draft"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name="fk_draft_conversation_id"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_draft_account_id"),
    )


def create_conversation() -> None:
    op.create_table(
        "conversation",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("reference", sa.String(9), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("urgency", sa.String(16), nullable=False),
        sa.Column("waiting_since", sa.BigInteger(), nullable=False),
        sa.Column("sort_key", sa.BigInteger(), nullable=False),
        sa.Column("advisor_id", sa.String(32)),
        sa.Column("claim_epoch", sa.Integer(), nullable=False),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        sa.Column("visitor_token_hash", sa.LargeBinary()),
        sa.Column("resume_code_hash", sa.LargeBinary()),
        sa.Column("wrapped_key", sa.LargeBinary()),
        sa.Column("sector", sa.String(64), nullable=False),
        sa.Column("area", sa.String(64), nullable=False),
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("deadline", sa.String(16), nullable=False),
        sa.Column("immediate_danger", sa.String(16), nullable=False),
        sa.Column("called_999", sa.String(16)),
        sa.Column("risk_flags", sa.String(512), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("sealed_nickname", sa.LargeBinary()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("claimed_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("ended_by", sa.String(16)),
        sa.Column("visitor_read", sa.Integer(), nullable=False),
        sa.Column("advisor_read", sa.Integer(), nullable=False),
        sa.Column("visitor_last_at", sa.BigInteger()),
        sa.Column("advisor_last_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_conversation"),
        sa.UniqueConstraint("reference", name="uq_conversation_reference"),
        sa.UniqueConstraint("visitor_token_hash", name="uq_conversation_visitor_token_hash"),
        sa.ForeignKeyConstraint(["advisor_id"], ["account.id"], name="fk_conversation_advisor_id"),
    )
    op.create_index("ix_conversation_status_sort_key", "conversation", ["status", "sort_key"])
    op.create_index("ix_conversation_advisor_id_status", "conversation", ["advisor_id", "status"])


def create_knowledge() -> None:
    op.create_table(
        "article",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("slug", sa.String(120), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("published_version", sa.Integer()),
        sa.Column("draft_version", sa.Integer()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger()),
        sa.Column("withdrawn_reason", sa.Text()),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_article"),
        sa.UniqueConstraint("slug", name="uq_article_slug"),
    )
    op.create_index("ix_article_changed", "article", ["changed"])
    create_article_version()
    op.create_table(
        "synonym",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("words", sa.String(500), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_synonym"),
        sa.UniqueConstraint("words", name="uq_synonym_words"),
    )
    op.create_table(
        "article_use",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("article_id", ROW_ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("conversation_id", ROW_ID),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_article_use"),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name="fk_article_use_article_id"),
    )
    op.create_index("ix_article_use_article_id_at", "article_use", ["article_id", "at"])
    op.create_index("ix_article_use_conversation_id", "article_use", ["conversation_id"])
    op.create_table(
        "article_feedback",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("article_id", ROW_ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("helpful", sa.Boolean(), nullable=False),
        sa.Column("sealed_comment", sa.LargeBinary()),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_article_feedback"),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name="fk_article_feedback_article_id"),
    )
    op.create_index("ix_article_feedback_article_id", "article_feedback", ["article_id"])
    op.create_table(
        "search_log",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("sealed_query", sa.LargeBinary(), nullable=False),
        sa.Column("results", sa.Integer(), nullable=False),
        sa.Column("clicked", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_search_log"),
    )


def create_article_version() -> None:
    op.create_table(
        "article_version",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("article_id", ROW_ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("summary", sa.String(500), nullable=False),
        sa.Column("audience", sa.String(16), nullable=False),
        sa.Column("tags", sa.String(1000), nullable=False),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("last_checked", sa.Date()),
        sa.Column("review_by", sa.Date()),
        sa.Column("meta", sa.Text(), nullable=False),
        sa.Column("markdown", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("author_id", sa.String(32)),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_article_version"),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name="fk_article_version_article_id"),
        sa.ForeignKeyConstraint(["author_id"], ["account.id"], name="fk_article_version_author_id"),
        sa.UniqueConstraint("article_id", "version", name="uq_article_version_article_id_version"),
    )


def create_hours() -> None:
    op.create_table(
        "hours",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("opens_minute", sa.Integer(), nullable=False),
        sa.Column("closes_minute", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_hours"),
    )
    op.create_table(
        "holiday",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_holiday"),
    )


def create_outcomes() -> None:
    op.create_table(
        "dismissal",
        sa.Column("conversation_id", ROW_ID, nullable=False),
        sa.Column("slug", sa.String(120), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "slug", name="pk_dismissal"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name="fk_dismissal_conversation_id"),
    )
    op.create_table(
        "wrap_up",
        sa.Column("conversation_id", ROW_ID, nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("topics", sa.String(512), nullable=False),
        sa.Column("abuse_types", sa.String(512), nullable=False),
        sa.Column("risk_level", sa.String(16), nullable=False),
        sa.Column("serial", sa.String(16), nullable=False),
        sa.Column("safeguarding", sa.String(32), nullable=False),
        sa.Column("minutes_after", sa.Integer(), nullable=False),
        sa.Column("sealed_summary", sa.LargeBinary()),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", name="pk_wrap_up"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name="fk_wrap_up_conversation_id"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_wrap_up_account_id"),
    )
    op.create_table(
        "feedback",
        sa.Column("conversation_id", ROW_ID, nullable=False),
        sa.Column("helpful", sa.Integer()),
        sa.Column("will_change_practice", sa.String(16)),
        sa.Column("sealed_comment", sa.LargeBinary()),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", name="pk_feedback"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name="fk_feedback_conversation_id"),
    )
    op.create_table(
        "daily_count",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("measure", sa.String(64), nullable=False),
        sa.Column("grouping", sa.String(64), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_daily_count"),
    )
    op.create_index("ix_daily_count_day_measure_grouping", "daily_count", ["day", "measure", "grouping"], unique=True)
