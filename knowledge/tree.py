"""The files of a folder, found and read without a surprise: no link out of it, no pipe, no device, no endless nesting.

Whatever cannot be taken is named with its reason; finding and reading never fail otherwise.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from knowledge.front_matter import MOST_FILE_BYTES, BadFile

MOST_FILES = 100_000
MOST_FOLDERS_DEEP = 32
MOST_BYTES = 256 * 1024 * 1024
"""Of all files together: they are held in memory until the last of them is known to be good."""

NOT_A_FOLDER = "This is a file, not a folder. Unpack an archive first, and name the folder that it made."


@dataclass(frozen=True, slots=True)
class Refused:
    """A file or folder that is not taken, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    paths: list[Path]
    refused: list[Refused]


def find_files(folder: Path, endings: tuple[str, ...], leave_out: frozenset[str] = frozenset()) -> Found:
    """Every file with one of these endings, in the order of their paths. Raises BadFile when the folder is not one."""
    if folder.is_file():
        raise BadFile(NOT_A_FOLDER)
    if not folder.is_dir():
        raise BadFile("There is no such folder.")
    found = Found([], [])
    waiting = [(folder, 0)]
    while waiting:
        parent, depth = waiting.pop()
        try:
            for entry in _entries(parent):
                if entry.name.startswith(".") or entry.name in leave_out:
                    continue
                _sort_out(entry, depth, endings, folder, found, waiting)
                if len(found.paths) + len(found.refused) + len(waiting) > MOST_FILES:
                    raise BadFile(f"The folder holds more than {MOST_FILES:,} files. Import it in parts.")
        except OSError:
            found.refused.append(Refused(shown_name(parent, folder), "The folder cannot be read."))
    if not found.paths and not found.refused:
        raise BadFile(f"The folder holds no file whose name ends in {' or '.join(endings)}.")
    found.paths.sort()
    return found


def _entries(parent: Path) -> Iterator["os.DirEntry[str]"]:
    with os.scandir(parent) as entries:
        yield from entries


def _sort_out(
    entry: "os.DirEntry[str]",
    depth: int,
    endings: tuple[str, ...],
    folder: Path,
    found: Found,
    waiting: list[tuple[Path, int]],
) -> None:
    path = Path(entry.path)
    if entry.is_dir(follow_symlinks=False):
        if depth + 1 > MOST_FOLDERS_DEEP:
            why = f"Folders nest deeper than {MOST_FOLDERS_DEEP}; this one is not entered."
            found.refused.append(Refused(shown_name(path, folder), why))
        else:
            waiting.append((path, depth + 1))
    elif entry.is_symlink() and path.is_dir():
        # It may lead anywhere, also back here.
        found.refused.append(Refused(shown_name(path, folder), "This is a link to a folder, which is not entered."))
    elif entry.name.lower().endswith(endings):
        found.paths.append(path)


def shown_name(path: Path, folder: Path) -> str:
    """The path as it can be printed: a name may hold bytes that are no text, or commands for a terminal."""
    name = str(path.relative_to(folder)).encode("utf-8", "replace").decode()
    return "".join(character if character.isprintable() else "�" for character in name)


class Reader:
    """Reads the files of one folder, up to a number of bytes for all of them."""

    def __init__(self, folder: Path) -> None:
        self._root = folder.resolve()
        self._left = MOST_BYTES

    def read(self, path: Path) -> bytes:
        """Raises BadFile."""
        try:
            if not path.resolve().is_relative_to(self._root):
                raise BadFile("This is a link that leads out of the folder.")
            # Looked at before it is opened, because opening some devices does something.
            _check_kind(path.stat())
            content = _read(path)
        except (OSError, RuntimeError):
            raise BadFile("The file cannot be read.") from None
        self._left -= len(content)
        if self._left < 0:
            raise BadFile(f"The files hold more than {MOST_BYTES // 1024 // 1024} MB. Import them in parts.")
        return content


def _read(path: Path) -> bytes:
    # Not blocking, and looked at again: what was a file may be a pipe by now, which would wait for ever.
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with os.fdopen(number, "rb") as file:
        _check_kind(os.fstat(number))
        return file.read(MOST_FILE_BYTES + 1)


def _check_kind(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise BadFile("This is not a file.")
    if found.st_size > MOST_FILE_BYTES:
        raise BadFile(f"The file is larger than {MOST_FILE_BYTES // 1024} KB. Split it into several articles.")
