"""The commands beside the service: what they do, and that whatever is wrong is one line, a status and no traceback."""

import base64
import sqlite3
from pathlib import Path

import pytest

from core.db import MOST_CONNECTIONS
from tests.app.command import Dutyline, Ended
from tests.engines import POSTGRES_SETTINGS, PostgresServer
from tests.forks import ROOT

PASSWORD = "cora rides a green bicycle"
GUIDANCE = ROOT / "guidance"


def add(dutyline: Dutyline, email: str, *roles: str, password: str = PASSWORD) -> Ended:
    options = [word for role in roles for word in ("--role", role)]
    return dutyline("account", "add", email, "--name", "Cora Hughes", *options, stdin=password + "\n")


def assert_one_line(ended: Ended, status: int, words: str) -> None:
    assert ended.returncode == status, ended.stderr
    assert words in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert "Traceback" not in ended.stderr


def test_migrate_needs_nothing_but_the_database(dutyline: Dutyline, tmp_path: Path) -> None:
    ended = dutyline("migrate", changed={"MASTER_KEYS_FILE": "", "SECRET_KEY_FILE": ""})
    assert (ended.returncode, ended.stderr) == (0, "")
    assert oct((tmp_path / "data").stat().st_mode & 0o777) == "0o700"
    assert oct((tmp_path / "data" / "dutyline.db").stat().st_mode & 0o777) == "0o600"


def test_migrate_twice_is_as_good_as_once(migrated: Dutyline) -> None:
    assert migrated("migrate").returncode == 0


WRONG = [
    ("PORT", "http", "PORT must be a whole number"),
    ("PORT", "70000", "PORT must be a whole number"),
    ("BASE_URL", "ftp://advice.example", "BASE_URL must be"),
    ("DATABASE_URL", "mysql://user:hunter2hunter2@db/x", "DATABASE_URL is not"),
    ("REDIS_URL", "http://user:hunter2hunter2@cache", "REDIS_URL is not"),
    ("WEB_CONCURRENCY", "0", "WEB_CONCURRENCY must be"),
    ("MASTER_KEYS_FILE", "", "MASTER_KEYS_FILE is missing"),
    ("MASTER_KEYS_FILE", "/nowhere/at/all", "MASTER_KEYS_FILE names a file"),
    ("SECRET_KEY_FILE", "", "SECRET_KEY_FILE is missing"),
    ("METRICS_TOKEN", "hunter2", "METRICS_TOKEN is too short"),
    ("TRUSTED_PROXIES", "everybody", "TRUSTED_PROXIES must list"),
    ("RATE_LIMITS", "maybe", "RATE_LIMITS must be"),
    ("DEMO_PASSWORD", "hunter2hunter2", "DEMO_PASSWORD belongs to dutyline run only"),
]


@pytest.mark.parametrize(("name", "value", "words"), WRONG)
def test_wrong_setting_is_named_and_not_shown(dutyline: Dutyline, name: str, value: str, words: str) -> None:
    ended = dutyline("web", changed={name: value})
    assert_one_line(ended, 2, words)
    assert "hunter2" not in ended.stderr + ended.stdout


@pytest.mark.parametrize("command", ["web", "worker"])
def test_service_waits_for_the_migration(dutyline: Dutyline, command: str, tmp_path: Path) -> None:
    assert_one_line(dutyline(command), 2, "Run dutyline migrate")
    assert not (tmp_path / "data" / "dutyline.db").exists()


@pytest.mark.parametrize("command", ["web", "worker", "migrate"])
def test_newer_database_is_left_alone(migrated: Dutyline, command: str, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "data" / "dutyline.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert_one_line(migrated(command), 2, "newer than this version of Dutyline")


def test_more_processes_than_postgresql_has_room_for(dutyline: Dutyline, postgres: PostgresServer) -> None:
    """By default it lets in all but three for its own. A worker needs some, and one more while processes are replaced."""
    most = (int(POSTGRES_SETTINGS["max_connections"]) - 3) // MOST_CONNECTIONS - 2
    url = postgres.create_database("room")
    settings = {"DATABASE_URL": url, "WEB_CONCURRENCY": str(most + 1)}
    assert dutyline("migrate", changed=settings).returncode == 0
    assert_one_line(dutyline("web", changed=settings), 2, "lower WEB_CONCURRENCY")
    wide = {"COLUMNS": "300"}
    assert "lower WEB_CONCURRENCY" in dutyline("doctor", changed=settings | wide).stdout
    assert "takes commits" in dutyline("doctor", changed=settings | wide | {"WEB_CONCURRENCY": str(most)}).stdout
    postgres.drop_database("room")


@pytest.mark.parametrize("command", ["web", "worker"])
def test_service_refuses_demo_accounts(migrated: Dutyline, command: str, tmp_path: Path) -> None:
    assert add(migrated, "cora@example.org", "advisor").returncode == 0
    with sqlite3.connect(tmp_path / "data" / "dutyline.db") as connection:
        connection.execute("UPDATE account SET demo = TRUE")
    assert_one_line(migrated(command), 2, "demo accounts")


@pytest.mark.parametrize("command", ["web", "worker"])
def test_key_that_is_not_random_is_refused(migrated: Dutyline, command: str, tmp_path: Path) -> None:
    (tmp_path / "master.keys").write_text(base64.b64encode(bytes(32)).decode())
    assert_one_line(migrated(command), 2, "MASTER_KEYS_FILE holds a line that is not a random key")


def test_demo_keeps_away_from_real_accounts(migrated: Dutyline) -> None:
    assert add(migrated, "cora@example.org", "advisor").returncode == 0
    assert_one_line(migrated("run"), 2, "real accounts")
    assert "example.org" not in migrated("account", "list").stdout.replace("cora@example.org", "")


def test_demo_stays_on_this_machine(dutyline: Dutyline) -> None:
    assert_one_line(dutyline("run", changed={"BASE_URL": "https://advice.example"}), 2, "loopback")


@pytest.mark.parametrize("folder", ["/dev/null", "/dev/null/data", "/proc/nothing"])
def test_folder_that_cannot_be_used_is_one_line(dutyline: Dutyline, folder: str) -> None:
    for command in ("run", "migrate"):
        assert_one_line(dutyline(command, changed={"DATA_DIR": folder}), 2, "DATA_DIR cannot be used")


def test_database_that_is_not_reached_is_one_line(dutyline: Dutyline) -> None:
    url = "postgresql://dutyline:hunter2hunter2@127.0.0.1:1/dutyline"
    for words in (["web"], ["worker"], ["migrate"], ["account", "list"]):
        ended = dutyline(*words, changed={"DATABASE_URL": url})
        assert_one_line(ended, 2, "Check DATABASE_URL")
        assert "hunter2" not in ended.stderr


def test_account_is_added_listed_and_disabled(migrated: Dutyline) -> None:
    assert add(migrated, "Cora@Example.org", "advisor", "editor").returncode == 0
    assert add(migrated, "alf@example.org", "admin").returncode == 0
    listed = migrated("account", "list").stdout
    assert "cora@example.org" in listed
    assert "advisor, editor" in listed
    assert migrated("account", "disable", "CORA@example.org").returncode == 0
    assert "disabled" in migrated("account", "list").stdout


def test_a_skill_is_given_and_taken_back(migrated: Dutyline) -> None:
    assert add(migrated, "cora@example.org", "advisor").returncode == 0
    for _ in range(2):
        assert (
            migrated("account", "skill", "cora@example.org", "welsh").stdout == "Skills of cora@example.org: welsh.\n"
        )
    taken_back = migrated("account", "skill", "cora@example.org", "welsh", "--remove")
    assert taken_back.stdout == "Skills of cora@example.org: none.\n"
    assert_one_line(migrated("account", "skill", "dev@example.org", "welsh"), 1, "no account")
    assert_one_line(migrated("account", "skill", "cora@example.org", "Two Words"), 2, "small letters")


def test_password_is_neither_shown_nor_stored(migrated: Dutyline, tmp_path: Path) -> None:
    ended = add(migrated, "cora@example.org", "advisor")
    assert PASSWORD not in ended.stdout + ended.stderr
    assert PASSWORD.encode() not in b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())


@pytest.mark.parametrize(
    ("email", "roles", "password", "words"),
    [
        ("cora@example.org", ["advisor"], "too short", "at least 15 characters"),
        ("cora@example.org", ["advisor"], "", "Enter a password"),
        ("not an address", ["advisor"], PASSWORD, "Enter an e-mail address"),
    ],
)
def test_account_that_cannot_be_is_refused(
    migrated: Dutyline, email: str, roles: list[str], password: str, words: str
) -> None:
    assert_one_line(add(migrated, email, *roles, password=password), 1, words)


def test_address_is_taken_once(migrated: Dutyline) -> None:
    assert add(migrated, "cora@example.org", "advisor").returncode == 0
    assert_one_line(add(migrated, "CORA@example.org", "editor"), 1, "already an account")


def test_last_admin_stays(migrated: Dutyline) -> None:
    assert add(migrated, "alf@example.org", "admin").returncode == 0
    assert_one_line(migrated("account", "disable", "alf@example.org"), 1, "last admin")


def test_account_that_is_not_there_is_said(migrated: Dutyline) -> None:
    assert_one_line(migrated("account", "disable", "stranger@example.org"), 1, "no account")


@pytest.mark.parametrize("words", [["nonsense"], ["account", "add"], ["account", "add", "a@b.org", "--role", "king"]])
def test_wrong_use_is_explained(dutyline: Dutyline, words: list[str]) -> None:
    ended = dutyline(*words)
    assert ended.returncode == 2
    assert "Usage:" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_guidance_goes_in_once_and_comes_out_again(migrated: Dutyline, tmp_path: Path) -> None:
    count = len(list(GUIDANCE.glob("*.md")))
    dry = migrated("guidance", "import", str(GUIDANCE), "--dry-run")
    assert (dry.returncode, f"{count} new" in dry.stdout) == (0, True)
    assert f"{count} new" in migrated("guidance", "import", str(GUIDANCE)).stdout
    assert f"{count} unchanged" in migrated("guidance", "import", str(GUIDANCE)).stdout
    exported = migrated("guidance", "export", str(tmp_path / "out"))
    assert exported.stdout == f"{count} articles written.\n"
    assert {path.name for path in (tmp_path / "out").iterdir()} == {path.name for path in GUIDANCE.glob("*.md")}


def test_guidance_with_a_bad_file_is_not_imported(migrated: Dutyline, tmp_path: Path) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "good.md").write_text((GUIDANCE / "clares-law.md").read_text())
    (folder / "bad.md").write_bytes(b"\xff\xfe nothing")
    ended = migrated("guidance", "import", str(folder))
    assert (ended.returncode, "bad.md" in ended.stdout) == (1, True)
    assert migrated("guidance", "export", str(tmp_path / "out")).stdout == "0 articles written.\n"


def test_hours_are_set_and_shown(migrated: Dutyline) -> None:
    assert migrated("hours", "show").stdout == "Open round the clock.\n"
    sentence = "Open mon-fri 9:30-17:00; sat 10:00-12:00 (London), not on bank holidays of England and Wales.\n"
    assert migrated("hours", "set", "Mon-Fri 09:30-17:00; sat 10-12").stdout == sentence
    assert migrated("hours", "show").stdout == sentence
    assert migrated("hours", "always").stdout == "Open round the clock.\n"
    assert migrated("hours", "show").stdout == "Open round the clock.\n"


def test_hours_with_a_mistake_change_nothing(migrated: Dutyline) -> None:
    assert migrated("hours", "set", "mon 9-17").returncode == 0
    assert_one_line(migrated("hours", "set", "mon-funday 9-17"), 1, '"funday" is not a day')
    assert "mon 9:00-17:00" in migrated("hours", "show").stdout


def test_doctor_shows_how_to_make_keys(dutyline: Dutyline) -> None:
    ended = dutyline("doctor", changed={"MASTER_KEYS_FILE": ""})
    assert ended.returncode == 2
    assert "openssl rand -base64 32" in ended.stderr


def test_doctor_says_what_to_do(migrated: Dutyline, tmp_path: Path) -> None:
    (tmp_path / "secret.key").chmod(0o644)
    ended = migrated("doctor", changed={"COLUMNS": "200", "REDIS_URL": "redis://127.0.0.1:1/0"})
    assert ended.returncode == 1
    for advice in ("chmod 600", "Check REDIS_URL", "dutyline account add", "dutyline guidance import"):
        assert advice in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr


def test_doctor_finds_nothing_when_all_is_well(migrated: Dutyline, redis_url: str) -> None:
    add(migrated, "cora@example.org", "advisor", "admin")
    migrated("guidance", "import", str(GUIDANCE))
    ended = migrated("doctor", changed={"REDIS_URL": redis_url})
    assert ended.returncode == 0, ended.stdout
    assert "problem" not in ended.stdout


def test_doctor_says_when_no_mail_can_be_sent(migrated: Dutyline) -> None:
    ended = migrated("doctor", changed={"SMTP_URL": "smtp://user:hunter2hunter2@127.0.0.1:1"})
    (line,) = [line for line in ended.stdout.splitlines() if line.strip().startswith("Mail")]
    assert "problem" in line
    assert "SMTP_URL" in ended.stdout
    assert "hunter2" not in ended.stdout + ended.stderr
    wrong = migrated("worker", changed={"SMTP_URL": "smtp://mail.example?from=nobody", "REDIS_URL": "unix:///none"})
    assert (wrong.returncode, "SMTP_URL is not an address" in wrong.stderr) == (2, True)
