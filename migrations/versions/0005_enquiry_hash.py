"""An enquiry that is sent again is known: by the browser it came from, its own id and its answers."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversation", sa.Column("enquiry_hash", sa.LargeBinary(), nullable=True))
    op.create_index("ix_conversation_enquiry_hash", "conversation", ["enquiry_hash"], unique=True)
