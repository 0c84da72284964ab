"""Articles in two languages, and pictures in articles."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("article_version", sa.Column("language", sa.String(2), server_default="en", nullable=False))
    op.add_column("article_version", sa.Column("translation_of", sa.String(120), server_default="", nullable=False))
    op.create_table(
        "image",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("alt", sa.String(300), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("added_by", sa.String(32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_image"),
        sa.UniqueConstraint("name", name="uq_image_name"),
        sa.ForeignKeyConstraint(["added_by"], ["account.id"], name="fk_image_added_by"),
    )
    op.create_table(
        "article_image",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("article_id", ROW_ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", "article_id", "version", name="pk_article_image"),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name="fk_article_image_article_id"),
    )
