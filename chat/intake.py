"""What one socket may send: how many frames, and how many that are not understood; and the codes it is closed with."""

import time

from core.errors import RateLimited
from core.limits import TokenBucket

FRAMES_PER_SECOND, FRAMES_BURST = 5.0, 60.0
REFUSED_BEFORE_CLOSING = 60
BAD_FRAMES_A_MINUTE = 5

TOO_SLOW, TOO_MANY_FRAMES, OUR_FAULT = 4001, 4004, 4005
SIGN_IN, NOT_THE_PROTOCOL, OLD_SCRIPT, NO_ACCESS = 4100, 4102, 4103, 4104


class Closing(Exception):
    """The socket must be closed with this code."""

    def __init__(self, code: int) -> None:
        self.code = code


class Intake:
    """How many frames, and how many bad ones, a socket may send."""

    __slots__ = ("_bad", "_bucket", "_enabled", "_refused")

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._bucket = TokenBucket(FRAMES_PER_SECOND, FRAMES_BURST)
        self._refused = 0
        self._bad: list[float] = []

    @property
    def has_room(self) -> bool:
        """Whether `count` would let the next frame pass."""
        return not self._enabled or self._bucket.has_room

    def count(self) -> None:
        wait_s = self._bucket.take() if self._enabled else 0
        if wait_s:
            self._refused += 1
            if self._refused > REFUSED_BEFORE_CLOSING:
                raise Closing(TOO_MANY_FRAMES)
            raise RateLimited(int(wait_s) + 1)

    def is_too_bad(self) -> bool:
        """Count a frame that was not understood; true at the fifth in a minute."""
        now = time.monotonic()
        self._bad = [*(at for at in self._bad if now - at < 60), now]
        return len(self._bad) >= BAD_FRAMES_A_MINUTE
