"""Who is connected, and what they may see."""

from collections.abc import Awaitable, Callable, Sequence, Set
from dataclasses import dataclass

from chat.words import Side


@dataclass(frozen=True, slots=True)
class Head:
    """What a session needs to know of a conversation before its events."""

    id: int
    reference: str
    status: str
    last_seq: int
    visitor_read: int
    advisor_read: int
    is_aside: bool = False
    """Looked at by a colleague whom the visitor does not see, or over: what is read and typed is nobody else's business."""

    def read_by(self, side: str) -> int:
        """How far this side had read."""
        return self.visitor_read if side == Side.VISITOR else self.advisor_read


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is connected. `key` is the author key; `token` is the staff session, empty for visitors.

    `may_act` is asked before each message: whether the sign-in still holds, which also counts as being active; not where
    `surely_may_act` knows that it does, without a look.
    `once` finds a conversation that this viewer has written in and does not have any longer; `still` finds those of these
    references that are over and that this viewer may go on seeing.
    """

    side: Side
    key: str
    name: str
    token: str
    heads: Callable[[], Awaitable[Sequence[Head]]]
    may_act: Callable[[], Awaitable[bool]] | None = None
    surely_may_act: Callable[[], bool] | None = None
    once: Callable[[str], Awaitable[Head | None]] | None = None
    still: Callable[[Set[str]], Awaitable[Sequence[Head]]] | None = None
