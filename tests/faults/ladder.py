"""Which transport a client uses, by the rules of static/js/ladder.js: the socket, else the stream, else the poll.

The times are those of the browser's script, or shorter ones with the same order among them, so that a run of seconds sees
what otherwise takes minutes.
"""

import asyncio
from dataclasses import dataclass
from enum import IntEnum

SHORT_LIVES = 3


class Rung(IntEnum):
    """The best first."""

    SOCKET = 0
    STREAM = 1
    POLL = 2


@dataclass(frozen=True, slots=True)
class Tempo:
    """How long clients wait for what, and how long the boxes on their way hold and let live."""

    patience_s: float
    """Until a transport must have caught up."""
    last_patience_s: float
    climb_s: float
    climb_soon_s: float
    short_life_s: float
    useful_life_s: float
    poll_wait_s: int
    silence_s: float
    """What brings nothing for so long is dead."""
    refresh_s: float
    """A page without scripts loads itself again."""
    buffer_s: float
    cut_s: float


BROWSER = Tempo(5, 15, 600, 30, 60, 5, 25, 35, 15, 10, 30)
BRISK = Tempo(1.5, 5, 60, 6, 8, 1, 5, 18, 2, 3, 7)


class Ladder:
    """One client's place on it."""

    def __init__(self, tempo: Tempo, rung: Rung = Rung.SOCKET) -> None:
        self.rung = rung
        self.tempo = tempo
        self._rung_that_worked = rung
        self._top_has_worked = False
        self._short_lives = 0
        self._climbs_at: float | None = None

    @property
    def patience_s(self) -> float:
        return self.tempo.last_patience_s if self.rung is Rung.POLL else self.tempo.patience_s

    @property
    def climbs_at(self) -> float | None:
        """When to try the socket again, by the loop's clock."""
        return self._climbs_at

    def succeed(self) -> None:
        """The transport has caught up."""
        self._rung_that_worked = self.rung
        if self.rung is Rung.SOCKET:
            self._climbs_at = None
            self._top_has_worked = True
        elif self._climbs_at is None:
            wait_s = self.tempo.climb_soon_s if self._top_has_worked else self.tempo.climb_s
            self._climbs_at = asyncio.get_running_loop().time() + wait_s

    def climb(self) -> None:
        self._climbs_at = None
        self.rung = Rung.SOCKET

    def fail(self, life_s: float | None) -> bool:
        """The transport ended, after `life_s` if it had caught up. Whether there is another one to try before waiting."""
        self._climbs_at = None
        if life_s is not None:
            self._count_short_life(life_s)
            return False
        if self.rung is Rung.POLL:
            self.rung = self._rung_that_worked
            return False
        self.rung = Rung(self.rung + 1)
        return True

    def _count_short_life(self, life_s: float) -> None:
        self._short_lives = self._short_lives + 1 if life_s < self.tempo.short_life_s else 0
        if self._short_lives >= SHORT_LIVES and self.rung is not Rung.POLL:
            self._short_lives = 0
            self._top_has_worked = False
            self.rung = Rung(self.rung + 1)
