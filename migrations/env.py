"""What Alembic runs for every command: one step after the other, inside the transaction that app/migrations.py opened."""

from alembic import context

from core.db import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite changes a table by copying it.
    render_as_batch=True,
)
context.run_migrations()
