"""Where log lines go: one JSON object a line on stderr, or coloured text on a terminal.

An event's name and ids, never what people wrote. What libraries log passes through here as well: of an exception only
its type and the places in the code remain, because its text may quote what was being handled.
"""

import logging
import sys
import traceback
from types import TracebackType

import structlog

INNERMOST_PLACES = 12


def configure_logs() -> None:
    """Once a process, before anything else logs."""
    on_terminal = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer() if on_terminal else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
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
