"""What reports still count after erasure: how a conversation was closed, and since when it was a question."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversation", sa.Column("closed_as", sa.String(16), nullable=True))
    op.add_column("conversation", sa.Column("question_at", sa.BigInteger(), nullable=True))
    op.create_index("ix_conversation_created_at", "conversation", ["created_at"])
