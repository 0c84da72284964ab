"""Conversations for which no guidance fits; of searches only those after which nothing was opened."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "no_guidance",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "conversation_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            sa.ForeignKey("conversation.id", name="fk_no_guidance_conversation_id_conversation"),
            nullable=False,
        ),
        sa.Column("topic", sa.String(32), nullable=False),
        sa.Column("shown", sa.String(500), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_no_guidance"),
        sa.UniqueConstraint("conversation_id", "shown", name="uq_no_guidance_conversation_id_shown"),
    )
    op.create_index("ix_no_guidance_at", "no_guidance", ["at"])
    op.execute(sa.text("DELETE FROM search_log WHERE clicked"))
    op.drop_column("search_log", "clicked")
    op.create_index("ix_search_log_at", "search_log", ["at"])
