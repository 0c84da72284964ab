"""A draft's way to readers: a colleague who looks at it, a moment for it, what was done and why, and who has it open."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "draft_progress",
        sa.Column("article_id", ROW_ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("by_id", sa.String(32), nullable=False),
        sa.Column("reviewer_id", sa.String(32), nullable=True),
        sa.Column("publish_at", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name="fk_draft_progress_article_id"),
        sa.ForeignKeyConstraint(["by_id"], ["account.id"], name="fk_draft_progress_by_id"),
        sa.ForeignKeyConstraint(["reviewer_id"], ["account.id"], name="fk_draft_progress_reviewer_id"),
        sa.PrimaryKeyConstraint("article_id", name="pk_draft_progress"),
    )
    op.create_index("ix_draft_progress_publish_at", "draft_progress", ["publish_at"])
    op.create_table(
        "article_step",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("article_id", ROW_ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("by_id", sa.String(32), nullable=True),
        sa.Column("reviewer_id", sa.String(32), nullable=True),
        sa.Column("publish_at", sa.BigInteger(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name="fk_article_step_article_id"),
        sa.ForeignKeyConstraint(["by_id"], ["account.id"], name="fk_article_step_by_id"),
        sa.ForeignKeyConstraint(["reviewer_id"], ["account.id"], name="fk_article_step_reviewer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_article_step"),
    )
    op.create_index("ix_article_step_article_id_id", "article_step", ["article_id", "id"])
    op.create_table(
        "editing_lease",
        sa.Column("article_id", ROW_ID, nullable=False),
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name="fk_editing_lease_article_id"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_editing_lease_account_id"),
        sa.PrimaryKeyConstraint("article_id", "account_id", name="pk_editing_lease"),
    )
