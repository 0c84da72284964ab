"""What only root can break: a link between network namespaces that goes down, a file system that is full.

A link that is down answers nothing and acknowledges nothing: a true black hole, which no proxy can be. The far end is taken
down, so that the near one has a route and goes on sending.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

TOOLS = ("ip", "setpriv", "mount", "umount")


def refuse_without_root() -> None:
    """Say why it cannot be done, instead of doing less than was asked for."""
    if os.geteuid() != 0:
        raise PermissionError(f"ROOT=1 needs root for network namespaces and mounts; this is user {os.geteuid()}")
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise FileNotFoundError(f"ROOT=1 needs {', '.join(missing)} (iproute2, util-linux)")


class Cable:
    """A namespace `name` and one link to it; `near` and `far` are the addresses of its ends."""

    def __init__(self, number: int) -> None:
        self.name = f"dutyline-{os.getpid()}-{number}"
        self.near, self.far = f"10.231.{number}.1", f"10.231.{number}.2"
        self._ends = f"dl{os.getpid() % 100_000}n{number}", f"dl{os.getpid() % 100_000}f{number}"

    def __enter__(self) -> "Cable":
        near, far = self._ends
        _run("ip", "netns", "add", self.name)
        try:
            _run("ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", self.name)
            _run("ip", "address", "add", f"{self.near}/24", "dev", near)
            _run("ip", "link", "set", near, "up")
            _run("ip", "-n", self.name, "address", "add", f"{self.far}/24", "dev", far)
            _run("ip", "-n", self.name, "link", "set", "lo", "up")
            self.up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        _run("ip", "netns", "delete", self.name)

    def down(self) -> None:
        _run("ip", "-n", self.name, "link", "set", self._ends[1], "down")

    def up(self) -> None:
        _run("ip", "-n", self.name, "link", "set", self._ends[1], "up")


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """A file system of its own at this folder, which is soon full."""
    folder.mkdir(exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", str(folder))
    try:
        yield
    finally:
        # What still runs there keeps it until it ends.
        _run("umount", "--lazy", str(folder))


def fill(folder: Path) -> Path:
    """Leave no byte free; the file that takes them all."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(1 << 16)):
            pass
    return filler


def _run(*words: str) -> None:
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
