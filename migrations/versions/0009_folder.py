"""The outbox comes into use: each thing in it has a name, and may be given up."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("key", sa.String(128), nullable=True))
    op.add_column("outbox", sa.Column("made", sa.BigInteger(), nullable=True))
    op.add_column("outbox", sa.Column("dead", sa.BigInteger(), nullable=True))
    op.create_index("ix_outbox_key", "outbox", ["key"], unique=True)
