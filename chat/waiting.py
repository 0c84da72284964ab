"""Who waits for the log: one message on its way, and how long its sender is kept waiting. No I/O."""

import asyncio
from dataclasses import dataclass

from chat.events import Entry
from core.errors import Refusal, Unavailable

ANSWER_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Receipt:
    """The message is committed under this number. `again`: it was stored before, under the same id."""

    seq: int
    at_ms: int
    again: bool


@dataclass(slots=True, eq=False)
class Waiting:
    """One caller of `say`, until its answer is known."""

    conversation_id: int
    entry: Entry
    answer: asyncio.Future[Receipt]

    @property
    def key(self) -> tuple[int, str, str]:
        assert self.entry.client_id is not None
        return self.conversation_id, self.entry.author.key, self.entry.client_id.hex

    def settle(self, outcome: "Receipt | Refusal") -> None:
        if self.answer.done():
            return
        if isinstance(outcome, Refusal):
            # Without the frames it came through, which keep who waits, and so itself, until the next collection.
            self.answer.set_exception(outcome.with_traceback(None))
        else:
            self.answer.set_result(outcome)


class Patience:
    """Answers whoever has waited for too long. One timer for all: one for each would be on the path of every message."""

    def __init__(self) -> None:
        self._until: dict[Waiting, float] = {}
        """The longest waiting first."""
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, one: Waiting) -> None:
        """Count from now. It must be settled, or ended when nobody waits for it any more; else it is let go of in its time."""
        loop = asyncio.get_running_loop()
        self._until[one] = loop.time() + ANSWER_WITHIN_S
        if self._timer is None:
            self._timer = loop.call_later(ANSWER_WITHIN_S, self._lose)

    def end(self, one: Waiting) -> None:
        self._until.pop(one, None)

    def settle(self, one: Waiting, outcome: "Receipt | Refusal") -> None:
        self.end(one)
        one.settle(outcome)

    def _lose(self) -> None:
        self._timer, loop = None, asyncio.get_running_loop()
        for one, until in list(self._until.items()):
            if until > loop.time():
                self._timer = loop.call_at(until, self._lose)
                break
            self.settle(one, Unavailable())
