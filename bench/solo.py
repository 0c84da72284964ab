"""One process of the service under test, for the rows that count by the process.

`dutyline web` on PostgreSQL, or on SQLite with its own Redis; or `dutyline run`, which is everything. Each with a data
folder of its own below the row's folder, the limits by address off, and a log that is kept beside it.
"""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from bench.processes import ROOT, ProcessError, ServerProcess, run_command, run_module
from bench.seed import Seeded
from core.crypto import make_key_file, new_master_key, new_token
from tests.engines import free_port

DUTYLINE = ROOT / ".venv" / "bin" / "dutyline"
SEED_WITHIN_S = 120.0
READY_WITHIN_S = 30.0
POLL_S = 0.01
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Solo:
    """One `dutyline web` or `dutyline run`. `settings` are added to its environment."""

    def __init__(self, folder: Path, command: str = "web", settings: Mapping[str, str] | None = None) -> None:
        self.command = command
        self._log = folder / f"{command}.log"
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        data = folder / "data"
        data.mkdir(exist_ok=True)
        self._env = service_settings(data, self.base_url) | {"PORT": str(self.port)} | dict(settings or {})
        self._process: ServerProcess | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def settings(self) -> dict[str, str]:
        """Its environment, for another process beside it."""
        return dict(self._env)

    @property
    def headers(self) -> dict[str, str]:
        """What every socket of a browser says here."""
        return {"Origin": self.base_url, "Sec-WebSocket-Protocol": "advice.v1"}

    def migrate(self) -> None:
        run_command("dutyline migrate", [str(DUTYLINE), "migrate"], self._env)

    def seed(self, conversations: int, messages: int = 0) -> list[Seeded]:
        words = ("bench.seed", str(conversations), "--messages", str(messages))
        printed = run_module(*words, env=self._env, timeout_s=SEED_WITHIN_S)
        return [msgspec.json.decode(line, type=Seeded) for line in printed.splitlines()]

    def start(self) -> float:
        """Start it; the seconds until /readyz answers 200."""
        begun = time.perf_counter()
        self._process = ServerProcess(
            f"dutyline {self.command}", [str(DUTYLINE), self.command], self.port, self._log, self._env
        )
        self._process.wait_until_listening()
        while time.perf_counter() - begun < READY_WITHIN_S:
            if is_ready(self.port):
                return time.perf_counter() - begun
            self._process.rest(POLL_S)
        raise ProcessError(f"dutyline {self.command} is not ready after {READY_WITHIN_S:.0f} s")

    def rest(self, seconds: float) -> None:
        assert self._process is not None
        self._process.rest(seconds)

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()
            self._process = None


def service_settings(data: Path, base_url: str) -> dict[str, str]:
    """What any process of the service is told, with keys made in its data folder and the limits by address off."""
    keys, secret = data / "master.keys", data / "secret.key"
    make_key_file(keys, new_master_key() + "\n")
    make_key_file(secret, new_token() + new_token() + "\n")
    return {
        "HOST": "127.0.0.1",
        "BASE_URL": base_url,
        "DATA_DIR": str(data),
        "MASTER_KEYS_FILE": str(keys),
        "SECRET_KEY_FILE": str(secret),
        "RATE_LIMITS": "off",
    }


def form_token(page: str) -> str | None:
    """The csrf_token that a page's forms carry."""
    found = TOKEN.search(page)
    return found[1] if found else None


def is_ready(port: int) -> bool:
    """Whether /readyz answers 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
