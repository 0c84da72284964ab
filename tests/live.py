"""A real Dutyline in processes of its own, for tests through the door: sockets, faults, pages.

`LiveService(folder)` is `dutyline run`; `LiveService(folder, web=2, workers=1, …)` is what an operator starts, each web
process on a port of its own under one BASE_URL. At the end every log is read: a crash, a traceback or a text that a test
named as secret fails the test.
"""

import base64
import http.client
import os
import secrets
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from app.cli import main
from tests.engines import free_port
from tests.forks import Fork, Program, run
from tests.waiting import wait_until

DEMO_PASSWORD = "correct horse battery"
READY_WITHIN_S = 60.0
STOP_WITHIN_S = 15.0
NOTHING = Path(os.devnull)
# Words in a log that mean that something was not dealt with.
CRASHES = ("Traceback (most recent call last)", '"event": "crash"', '"event": "library_error"', "stop_overran")


@dataclass(slots=True)
class Part:
    """One process: `run`, `web-0`, `web-1`, …, `worker-0`, …."""

    name: str
    port: int | None
    log: Path
    process: Fork | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None, f"{self.name} was never started"
        return self.process.pid


class LiveService:
    """Started on entering the block, ready when it is entered, stopped and its logs read on leaving it."""

    def __init__(
        self,
        folder: Path,
        *,
        web: int = 0,
        workers: int = 0,
        environment: Mapping[str, str] | None = None,
        program: Program = main,
    ) -> None:
        """`environment` is added to what the processes get, such as DATABASE_URL and REDIS_URL.

        `program` is what is started in place of `dutyline`, with the word `run`, `web` or `worker`.
        """
        self.folder = folder
        self._program = program
        self.secret_texts: set[str] = set()
        names = [f"web-{number}" for number in range(web)] or ["run"]
        self.parts = {name: Part(name, free_port(), folder / f"{name}.log") for name in names}
        for number in range(workers):
            self.parts[f"worker-{number}"] = Part(f"worker-{number}", None, folder / f"worker-{number}.log")
        self._first = names[0]
        self._environment = self._make_environment(demo=not web) | dict(environment or {})

    @property
    def url(self) -> str:
        """BASE_URL: where browsers and the Origin check believe the service to be."""
        return self._environment["BASE_URL"]

    @property
    def environment(self) -> Mapping[str, str]:
        """What each process gets, but for its port."""
        return self._environment

    @property
    def origin_headers(self) -> dict[str, str]:
        """For requests to a web process that is not the first: its port is not in BASE_URL."""
        return {"Host": urlsplit(self.url).netloc, "Origin": self.url}

    def port(self, part: str = "") -> int:
        port = self.parts[part or self._first].port
        assert port is not None, f"{part} does not listen"
        return port

    def is_own(self, url: str) -> bool:
        return urlsplit(url).scheme in ("data", "blob", "about") or urlsplit(url).netloc == urlsplit(self.url).netloc

    def command(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run another `dutyline` command on the same data to its end."""
        return run(main, words, self._environment, stdin, READY_WITHIN_S)

    def start(self, name: str) -> None:
        """Start one part, or start it again after its end. `wait_ready` tells when it answers."""
        part = self.parts[name]
        port = {"PORT": str(part.port)} if part.port is not None else {}
        part.process = Fork(
            self._program, [name.partition("-")[0]], self._environment | port, (NOTHING, part.log, part.log)
        )

    def wait_ready(self, name: str) -> None:
        part = self.parts[name]

        def is_ready() -> bool:
            assert part.process is not None, f"{name} was never started"
            assert part.process.poll() is None, f"{name} ended by itself:\n{self._end_of_log(part)}"
            return part.port is None or self.readiness(name) == 200

        try:
            wait_until(is_ready, READY_WITHIN_S, what=f"{name} to be ready")
        except AssertionError as problem:
            problem.add_note(self._end_of_log(part))
            raise

    def readiness(self, name: str = "") -> int | None:
        """The status of /readyz; None while nothing answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port(name), timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status
        except OSError:
            return None
        finally:
            connection.close()

    def kill(self, name: str) -> None:
        self._signal(name, signal.SIGKILL)
        self._wait(name)

    def pause(self, name: str) -> None:
        self._signal(name, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        self._signal(name, signal.SIGCONT)

    def stop(self, name: str) -> int:
        """SIGTERM, and the exit status. Taking longer than 15 s is a failure."""
        self._signal(name, signal.SIGTERM)
        return self._wait(name)

    def log_text(self) -> str:
        return "".join(part.log.read_text(errors="replace") for part in self.parts.values() if part.log.exists())

    def check_logs(self) -> None:
        """No crash, no traceback, nothing that a test named as secret."""
        text = self.log_text()
        for crash in CRASHES:
            place = text.find(crash)
            assert place < 0, f"a log holds {crash!r}:\n{text[max(0, place - 500) : place + 3000]}"
        self.check_no_secret_in(text)

    def check_no_secret_in(self, log: str) -> None:
        leaked = [secret for secret in self.secret_texts if secret in log]
        assert not leaked, f"a log holds {leaked}"

    def __enter__(self) -> "LiveService":
        try:
            if "run" not in self.parts:
                migrated = self.command("migrate")
                assert migrated.returncode == 0, migrated.stderr
            for name in self.parts:
                self.start(name)
            for name in self.parts:
                self.wait_ready(name)
        except BaseException:
            self._end_all()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        left = self._end_all()
        # A test that failed already says more than its logs would.
        if error is None:
            assert not left, f"still running {STOP_WITHIN_S} s after SIGTERM: {left}"
            self.check_logs()

    def _end_all(self) -> list[str]:
        """Stop everything that runs; the names of those that had to be killed."""
        running = [part for part in self.parts.values() if part.process is not None and part.process.poll() is None]
        for part in running:
            # A frozen process acts on no other signal.
            self._signal(part.name, signal.SIGCONT)
            self._signal(part.name, signal.SIGTERM)
        left = []
        for part in running:
            assert part.process is not None
            try:
                part.process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                left.append(part.name)
                part.process.kill()
                part.process.wait()
        return left

    def _signal(self, name: str, number: signal.Signals) -> None:
        os.kill(self.parts[name].pid, number)

    def _wait(self, name: str) -> int:
        process = self.parts[name].process
        assert process is not None
        return process.wait(STOP_WITHIN_S)

    def _end_of_log(self, part: Part) -> str:
        return part.log.read_text(errors="replace")[-3000:] if part.log.exists() else ""

    def _make_environment(self, *, demo: bool) -> dict[str, str]:
        """What a shell would have, without settings of whoever runs the tests."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        made = {
            "BASE_URL": f"http://127.0.0.1:{self.port()}",
            "DATA_DIR": str(self.folder / "data"),
        }
        if demo:
            return kept | made | {"DEMO_PASSWORD": DEMO_PASSWORD}
        return (
            kept
            | made
            | {"MASTER_KEYS_FILE": self._make_key("master.keys"), "SECRET_KEY_FILE": self._make_key("secret.key")}
        )

    def _make_key(self, name: str) -> str:
        path = self.folder / name
        path.write_text(base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
        path.chmod(0o600)
        return str(path)
