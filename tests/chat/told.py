"""What people were told in a world of the state machine, and the exact rules by which it is compared with the log. Pure."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from chat.events import Author, Event
from chat.words import Kind, Side


@dataclass(eq=False)
class Talk:
    """One conversation, and the mark that every text said in it carries."""

    id: int
    reference: str
    token: str
    mark: str


@dataclass(eq=False)
class Try:
    """One message: what was said under which id, and every number it was acknowledged with."""

    talk: Talk
    author: Author
    kind: Kind
    text: str
    id: uuid.UUID
    seqs: set[int] = field(default_factory=set)
    is_unknown: bool = False
    is_redacted: bool = False


def check_log(talk: Talk, events: Sequence[Event], tries: Sequence[Try]) -> None:
    """Numbers without a hole; acknowledged once at that number; senders in order; nothing foreign, nothing unsaid."""
    assert [one.seq for one in events] == list(range(1, len(events) + 1))
    stored: dict[tuple[str, uuid.UUID], list[Event]] = {}
    for one in events:
        if one.client_id is not None:
            stored.setdefault((one.author.key, one.client_id), []).append(one)
        assert one.kind is not Kind.MESSAGE or talk.mark in one.text or one.was, "text of another conversation"
    last: dict[str, int] = {}
    for said in tries:
        found = stored.pop((said.author.key, said.id), [])
        assert len(found) <= 1, f"{said.text} is stored {len(found)} times"
        assert len(said.seqs) <= 1, f"{said.text} was acknowledged as {said.seqs}"
        assert said.seqs <= {one.seq for one in found}, f"{said.text} was acknowledged and is not stored there"
        assert not found or said.seqs or said.is_unknown, f"{said.text} was refused and is stored"
        for one in found:
            assert (one.text, one.kind) == ("" if one.was else said.text, said.kind)
        if said.seqs and not said.is_unknown:
            assert min(said.seqs) > last.get(said.author.key, 0), f"{said.text} overtook another"
            last[said.author.key] = min(said.seqs)
    assert not stored, "something is stored that nobody said"


def check_holders(events: Sequence[Event], epochs: Sequence[int]) -> None:
    """One holder at a time, who alone writes; nothing but notes behind the end; each claim its own number."""
    assert len(set(epochs)) == len(epochs), f"claims share a number: {epochs}"
    holder: str | None = None
    over = False
    for one in events:
        assert not over or one.kind in (Kind.NOTE, Kind.REDACTED), f"{one.kind} behind the end"
        if one.kind is Kind.JOINED:
            assert holder is None, "taken while somebody had it"
            holder = one.author.key
        elif one.kind is Kind.REQUEUED:
            holder = None
        elif one.kind in (Kind.ENDED, Kind.LEFT):
            over = True
        elif one.author.kind is Side.ADVISOR and one.kind is not Kind.REDACTED:
            assert one.author.key == holder, "written by somebody who did not have it"
