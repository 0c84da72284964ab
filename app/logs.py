"""Where log lines go: one JSON object a line on stderr, or coloured text on a terminal.

An event's name and ids, never what people wrote. What libraries log passes through here as well: of an exception only
its type and the places in the code remain, because its text may quote what was being handled.

A log that is full or blocked fails nobody and holds nobody up: such lines are dropped and counted.
"""

import logging
import os
import select
import sys
import traceback
from types import TracebackType
from typing import TextIO, cast

import structlog

INNERMOST_PLACES = 12


class LogTarget:
    """Where lines go, each at once and whole, or not at all."""

    def __init__(self) -> None:
        self.dropped = 0
        """Lines that could not be written."""
        self._stream: TextIO = sys.stderr
        self._descriptor: int | None = None
        self._ready = select.poll()

    def attach(self, stream: TextIO) -> None:
        self._stream, self._ready = stream, select.poll()
        try:
            self._descriptor = stream.fileno()
        except (OSError, ValueError):
            # One in memory, which is always ready.
            self._descriptor = None
        else:
            self._ready.register(self._descriptor, select.POLLOUT)

    def write(self, line: str) -> None:
        try:
            if self._descriptor is None:
                self._stream.write(line)
            elif self._ready.poll(0):
                # A pipe that is ready takes this much without waiting for its reader.
                whole = line.encode(errors="backslashreplace")[: select.PIPE_BUF - 1].rstrip() + b"\n"
                # The last that a disk takes may be half a line.
                self.dropped += os.write(self._descriptor, whole) < len(whole)
            else:
                self.dropped += 1
        except (OSError, ValueError):
            self.dropped += 1

    def flush(self) -> None:
        """Nothing is held back."""


log_target = LogTarget()


def configure_logs() -> None:
    """Once a process, before anything else logs."""
    log_target.attach(sys.stderr)
    on_terminal = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer() if on_terminal else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, log_target)),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[LibraryLines()], level=logging.WARNING, force=True)
    logging.captureWarnings(True)


class LibraryLines(logging.Handler):
    """Turns a record of the standard library's logging into one of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger(record.name)
        if record.exc_info and record.exc_info[0] is not None:
            problem, _, trace = record.exc_info
            log.error("library_error", library=record.name, problem=problem.__name__, at=places(trace))
        else:
            # The template, without the values that were meant to fill it.
            log.log(record.levelno, "library_line", library=record.name, line=str(record.msg)[:300])


def places(trace: TracebackType | None) -> list[str]:
    """The innermost places of a traceback, outermost first: file, line and function, without any value."""
    return [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)[-INNERMOST_PLACES:]
    ]
