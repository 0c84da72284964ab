"""The one history of the database: bring it forward, and say where it stands.

A migration is one transaction that a second one waits for; it is done wholly or not at all. It never goes back: a
database that is newer than the code stops the start. Where it stands is read without alembic, which a process that only
serves would keep in memory (10 MiB) and wait for (0.2 s).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from core.errors import StartError

MIGRATIONS = Path(__file__).parent.parent / "migrations"

# Any number, the same in every version: the lock that two migrations meet at.
ADVISORY_LOCK = 7_203_366_014
WAIT_FOR_OTHER_S = 60
# Long enough to get between the service's own short transactions, too short for its requests to queue behind.
LOCK_TIMEOUT_S = 4


def head() -> str:
    """The number of the newest migration this code knows."""
    return max(_known())


def current(url: str) -> str | None:
    """Where the database stands; None when it was never migrated."""
    if url.startswith("sqlite:") and not Path(url.removeprefix("sqlite:///")).exists():
        return None
    with connected(url) as connection:
        return _stands(connection)


def migrate(url: str) -> None:
    """Bring the database to the newest form. Safe beside another migration and beside the running service."""
    if url.startswith("sqlite:"):
        _make_folder(Path(url.removeprefix("sqlite:///")).parent)
    with connected(url) as connection:
        _wait_for_other(connection)
        stands = _stands(connection)
        _check_known(stands)
        if stands != head():
            _upgrade(connection)


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    if connection.dialect.name == "sqlite" and connection.execute(text("PRAGMA foreign_key_check")).first():
        raise StartError("The migration was not done: rows of the database point to rows that are gone.")


def check_migrated(url: str) -> None:
    """Raise StartError unless the database has exactly the form this code was written for."""
    stands = current(url)
    _check_known(stands)
    if stands != head():
        raise StartError("The database is not ready for this version of Dutyline. Run dutyline migrate.")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        raise StartError(
            f"DATA_DIR cannot be used: {problem.strerror}. Set it to a folder that can be written."
        ) from None


def _check_known(revision: str | None) -> None:
    if revision is not None and revision not in _known():
        raise StartError(
            f"The database is newer than this version of Dutyline ({revision}; this version knows {head()}). "
            "Start the newer version."
        )


def _known() -> set[str]:
    """The numbers of all migrations, which their files begin with."""
    return {path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py")}


def _stands(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    number = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return None if number is None else str(number)


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """One connection in one transaction. What the driver says is never passed on: it may hold the password."""
    engine = _engine(url)
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as problem:
        raise StartError(_what_to_do(url, problem)) from None
    finally:
        engine.dispose()


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite:"):
        options = f"-c lock_timeout={LOCK_TIMEOUT_S}s -c timezone=UTC"
        address = url.replace("postgresql:", "postgresql+psycopg:", 1)
        arguments = {"connect_timeout": 5, "options": options}
        return create_engine(address, poolclass=NullPool, hide_parameters=True, connect_args=arguments)
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args={"timeout": WAIT_FOR_OTHER_S})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        # A table is changed by copying it, which foreign keys would take for the loss of its rows. They are checked at the end.
        for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=OFF"):
            connection.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _wait_for_other(connection: Connection) -> None:
    """SQLite waited at BEGIN IMMEDIATE; PostgreSQL waits here."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SET LOCAL lock_timeout = '{WAIT_FOR_OTHER_S}s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'"))


def _what_to_do(url: str, problem: DBAPIError) -> str:
    if url.startswith("sqlite:"):
        code = getattr(problem.orig, "sqlite_errorname", "")
        if code in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
            return "The database file is damaged or not a database. Put a backup in its place."
        if code == "SQLITE_FULL":
            return "The disk that holds the database is full. Make room and start again."
        return "The database file cannot be used. Check that DATA_DIR can be written and that nothing else holds it."
    if getattr(problem.orig, "sqlstate", None) is None:
        return "The database cannot be reached. Check DATABASE_URL and that PostgreSQL runs."
    return f"PostgreSQL refused (code {getattr(problem.orig, 'sqlstate', '')}). Check DATABASE_URL and the account's rights."


def database_epoch(url: str) -> str:
    """The random value that this database was born with; a client that holds another cannot go on where it was."""
    with connected(url) as connection:
        return str(connection.execute(text("SELECT value FROM setting WHERE name = 'database_epoch'")).scalar_one())
