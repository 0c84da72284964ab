"""What people are not told of: what fails behind the pages and is tried again by itself, and what other sites try here.

Counted every time, told to the log once in ten seconds.
"""

import time
from collections import Counter
from collections.abc import Callable

import structlog

logger = structlog.get_logger()

TOLD_EVERY_S = 10.0


class Troubles:
    """The troubles of this process, by the name of their event."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """`now` in seconds."""
        self._now = now
        self.counts: Counter[str] = Counter()
        self._untold: Counter[str] = Counter()
        self._told_at: dict[str, float] = {}

    def note(self, event: str, **ids: object) -> None:
        """It happened once more. The line says how often since the one before; `ids` are of the last time."""
        self.counts[event] += 1
        self._untold[event] += 1
        now, told_at = self._now(), self._told_at.get(event)
        if told_at is None or now - told_at > TOLD_EVERY_S:
            self._told_at[event] = now
            logger.warning(event, times=self._untold.pop(event), **ids)


troubles = Troubles()
