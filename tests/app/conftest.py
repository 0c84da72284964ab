"""What runs in a process of its own, on the data of one test: the commands of `dutyline`, and the server with seven routes."""

import base64
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from app.cli import main
from tests import forks
from tests.app.command import Dutyline, Ended
from tests.app.tiny_client import TinyService, running


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What `dutyline web` needs to start, but for a migrated database."""
    for name in ("master.keys", "secret.key"):
        (tmp_path / name).write_text(base64.b64encode(secrets.token_bytes(48 if "secret" in name else 32)).decode())
        (tmp_path / name).chmod(0o600)
    return {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(tmp_path / "data"),
        "MASTER_KEYS_FILE": str(tmp_path / "master.keys"),
        "SECRET_KEY_FILE": str(tmp_path / "secret.key"),
        "PORT": "0",
    }


@pytest.fixture
def dutyline(environment: dict[str, str]) -> Dutyline:
    def run(*words: str, stdin: str = "", changed: Mapping[str, str] | None = None) -> Ended:
        """Run a command to its end; `changed` settings are replaced, and left out where they are empty."""
        given = environment | dict(changed or {})
        return forks.run(main, words, {name: value for name, value in given.items() if value}, stdin, 60)

    return run


@pytest.fixture
def migrated(dutyline: Dutyline) -> Dutyline:
    assert dutyline("migrate").returncode == 0
    return dutyline


@pytest.fixture
def service(tmp_path: Path) -> Iterator[TinyService]:
    with running(tmp_path) as service:
        yield service
