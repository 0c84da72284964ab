"""The migrated database is exactly what the code expects, on both engines, from both ends of its history."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

import chat.tables
import core.tables
import knowledge.tables
import staff.tables
import triage.tables
from app.migrations import MIGRATIONS, check_migrated, current, head, migrate
from core.db import metadata
from core.errors import StartError
from core.sqlite import sqlite_url
from tests.engines import PostgresServer

ALL_TABLES = (chat.tables, core.tables, knowledge.tables, staff.tables, triage.tables)


def plain_engine_url(url: str) -> str:
    return url.replace("postgresql:", "postgresql+psycopg:", 1)


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    engine = create_engine(plain_engine_url(url))
    with engine.begin() as connection:
        result = connection.execute(text(query))
        found = [tuple(row) for row in result] if result.returns_rows else []
    engine.dispose()
    return found


def test_tables_are_those_of_the_code(database_url: str) -> None:
    engine = create_engine(plain_engine_url(database_url))
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert differences == []


def test_migrating_again_changes_nothing(database_url: str) -> None:
    before = rows(database_url, "SELECT name, value FROM setting ORDER BY name")
    migrate(database_url)
    assert rows(database_url, "SELECT name, value FROM setting ORDER BY name") == before
    assert current(database_url) == head()


def test_files_are_named_by_their_numbers() -> None:
    """Where a database stands is found out without alembic, by these names."""
    scripts = list(ScriptDirectory(str(MIGRATIONS)).walk_revisions())
    assert [Path(script.path).name.partition("_")[0] for script in scripts] == [script.revision for script in scripts]
    assert scripts[0].revision == head()
    assert len({*MIGRATIONS.glob("versions/*.py")}) == len(scripts)


def test_each_database_gets_an_epoch_of_its_own(tmp_path: Path) -> None:
    epochs = set()
    for name in ("one", "two"):
        url = sqlite_url(tmp_path / name)
        migrate(url)
        (epoch,) = rows(url, "SELECT value FROM setting WHERE name = 'database_epoch'")
        epochs.add(epoch)
    assert len(epochs) == 2


def test_counter_of_the_guidance_begins_at_zero(database_url: str) -> None:
    assert rows(database_url, "SELECT value FROM setting WHERE name = 'guidance_counter'") == [("0",)]


def test_database_that_is_not_there_stands_nowhere(tmp_path: Path) -> None:
    """Asking makes no empty file, which would look like a lost database."""
    assert current(sqlite_url(tmp_path)) is None
    assert list(tmp_path.iterdir()) == []


def test_unmigrated_database_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="Run dutyline migrate"):
        check_migrated(sqlite_url(tmp_path))


def test_newer_database_is_left_alone(database_url: str) -> None:
    rows(database_url, "UPDATE alembic_version SET version_num = '9999'")
    for refused in (migrate, check_migrated):
        with pytest.raises(StartError, match="newer than this version of Dutyline"):
            refused(database_url)
    assert current(database_url) == "9999"


def test_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "dutyline.db").write_bytes(b"not a database " * 100)
    with pytest.raises(StartError, match="damaged or not a database"):
        migrate(sqlite_url(tmp_path))


def test_unreachable_database_names_no_password() -> None:
    with pytest.raises(StartError, match="cannot be reached") as refused:
        migrate("postgresql://somebody:hunter2hunter2@127.0.0.1:1/dutyline")
    assert "hunter2" not in str(refused.value)


def test_migrations_at_once_wait_for_each_other_on_postgres(postgres: PostgresServer) -> None:
    name = "at_once"
    url = postgres.create_database(name)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(migrate, [url] * 4))
    assert current(url) == head()
    assert rows(url, "SELECT count(*) FROM setting WHERE name = 'database_epoch'") == [(1,)]
    postgres.drop_database(name)


def test_migrations_at_once_wait_for_each_other_on_sqlite(tmp_path: Path) -> None:
    """In processes, as an operator would start them."""
    url = sqlite_url(tmp_path)
    code = f"from app.migrations import migrate; migrate({url!r})"
    started = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, cwd=ROOT) for _ in range(3)]
    assert [process.communicate()[1] for process in started] == [b""] * 3
    assert current(url) == head()


def test_migration_is_whole_or_not_at_all(tmp_path: Path) -> None:
    """A table that stands in the way stops it, and nothing of it remains."""
    with sqlite3.connect(tmp_path / "dutyline.db") as connection:
        connection.execute("CREATE TABLE wrap_up (something INTEGER)")
    with pytest.raises(StartError):
        migrate(sqlite_url(tmp_path))
    connection = sqlite3.connect(tmp_path / "dutyline.db")
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    connection.close()
    assert tables == ["wrap_up"]


ROOT = Path(__file__).parents[2]
