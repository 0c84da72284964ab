"""The tabs that are connected: a tab has one connection, and a newer one replaces the older, whatever process has it.

Other processes hear of it by a hint that holds a hash and the time. When the hint is lost, nothing is: two connections of
one tab show the same, and the one that nobody reads any longer ends by its own heartbeat.
"""

from hashlib import blake2b

from chat.session import Session
from core.clock import Clock, to_ms
from core.signals import Hint, Signals

REPLACED = 4101
TOPIC = "tab"


class Tabs:
    def __init__(self, signals: Signals, clock: Clock) -> None:
        self._signals = signals
        self._clock = clock
        self._open: dict[str, tuple[Session, int]] = {}
        signals.on(TOPIC, self._taken_elsewhere)

    def take(self, session: Session) -> None:
        """This session has said hello: older ones of its tab are closed."""
        if session.tab is None:
            return
        name, now_ms = _name(session), to_ms(self._clock())
        older, _ = self._open.get(name, (None, 0))
        if older is session:
            return
        if older is not None:
            older.close(REPLACED)
        self._open[name] = (session, now_ms)
        self._signals.send(TOPIC, name, now_ms)

    def leave(self, session: Session) -> None:
        if session.tab is not None and self._open.get(_name(session), (None, 0))[0] is session:
            del self._open[_name(session)]

    def _taken_elsewhere(self, hint: Hint) -> None:
        _, name, at_ms = hint
        session, since_ms = self._open.get(name, (None, 0))
        # A hint may be late: the tab may have come back here since.
        if session is not None and since_ms < at_ms:
            session.close(REPLACED)


def _name(session: Session) -> str:
    return blake2b(f"{session.owner}|{session.tab}".encode(), digest_size=16).hexdigest()
