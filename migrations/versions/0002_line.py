"""The line with a router: offers, leases, skills, closures; the desk with notices, invitations, saved replies, readings."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("outcome = 'open'")


def upgrade() -> None:
    create_line()
    create_desk()
    op.add_column("account", sa.Column("missed", sa.Integer(), server_default="0", nullable=False))
    op.add_column("account", sa.Column("idle_since", sa.BigInteger(), nullable=True))
    op.add_column("conversation", sa.Column("first_claimed_at", sa.BigInteger(), nullable=True))
    op.add_column("conversation", sa.Column("requeues", sa.Integer(), server_default="0", nullable=False))
    op.add_column("conversation", sa.Column("nudged_at", sa.BigInteger(), nullable=True))


def create_line() -> None:
    op.create_table(
        "closure",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("starts", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(120), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_closure"),
    )
    op.create_index("ix_closure_ends", "closure", ["ends"])
    op.create_table(
        "offer",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("conversation_id", ROW_ID, nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_offer_account_id"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name="fk_offer_conversation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_offer"),
    )
    op.create_index("ix_offer_account_id_made_at", "offer", ["account_id", "made_at"])
    op.create_index("ix_offer_conversation_id_made_at", "offer", ["conversation_id", "made_at"])
    op.create_index(
        "ix_offer_open_account", "offer", ["account_id"], unique=True, sqlite_where=OPEN, postgresql_where=OPEN
    )
    op.create_index(
        "ix_offer_open_conversation",
        "offer",
        ["conversation_id"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_table(
        "account_skill",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("skill", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_account_skill_account_id"),
        sa.PrimaryKeyConstraint("account_id", "skill", name="pk_account_skill"),
    )
    op.create_table(
        "presence_lease",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("process", sa.String(32), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_presence_lease_account_id"),
        sa.PrimaryKeyConstraint("account_id", "process", name="pk_presence_lease"),
    )
    op.create_index("ix_presence_lease_until", "presence_lease", ["until"])


def create_desk() -> None:
    op.create_table(
        "notice",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("conversation_id", ROW_ID, nullable=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_notice_account_id"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name="fk_notice_conversation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
    )
    op.create_index("ix_notice_account_id_seen_at", "notice", ["account_id", "seen_at"])
    op.create_table(
        "invitation",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("conversation_id", ROW_ID, nullable=False),
        sa.Column("from_id", sa.String(32), nullable=False),
        sa.Column("to_id", sa.String(32), nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name="fk_invitation_conversation_id"),
        sa.ForeignKeyConstraint(["from_id"], ["account.id"], name="fk_invitation_from_id"),
        sa.ForeignKeyConstraint(["to_id"], ["account.id"], name="fk_invitation_to_id"),
        sa.PrimaryKeyConstraint("id", name="pk_invitation"),
    )
    op.create_index("ix_invitation_conversation_id_outcome", "invitation", ["conversation_id", "outcome"])
    op.create_index("ix_invitation_to_id_outcome", "invitation", ["to_id", "outcome"])
    op.create_table(
        "saved_reply",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("account_id", sa.String(32), nullable=True),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.String(32), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_saved_reply_account_id"),
        sa.ForeignKeyConstraint(["changed_by"], ["account.id"], name="fk_saved_reply_changed_by"),
        sa.PrimaryKeyConstraint("id", name="pk_saved_reply"),
    )
    op.create_index("ix_saved_reply_account_id_name", "saved_reply", ["account_id", "name"])
    op.create_table(
        "reading",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("conversation_id", ROW_ID, nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_reading_account_id"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], name="fk_reading_conversation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_reading"),
    )
    op.create_index("ix_reading_account_id_until", "reading", ["account_id", "until"])
