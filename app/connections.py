"""Whether PostgreSQL has room for all the connections that the processes of one service may open."""

from sqlalchemy import text

from app.migrations import connected
from core.db import MOST_CONNECTIONS
from core.errors import StartError

ALLOWED = text(
    "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
    " - coalesce(current_setting('reserved_connections', true)::int, 0)"
)


def check_room(url: str, web_processes: int) -> None:
    """Raise StartError when these and a worker might be refused one. SQLite refuses none."""
    if url.startswith("sqlite:"):
        return
    # While several are replaced, one by one, there is one more.
    needed = (web_processes + (web_processes > 1) + 1) * MOST_CONNECTIONS
    with connected(url) as connection:
        allowed = connection.execute(ALLOWED).scalar_one()
    if needed > allowed:
        raise StartError(
            f"PostgreSQL lets {allowed} connections in, and with WEB_CONCURRENCY={web_processes} the service may open {needed}."
            " Raise its max_connections, or lower WEB_CONCURRENCY."
        )
