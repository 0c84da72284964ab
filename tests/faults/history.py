"""What a fault run leaves behind, as plain values: what people said, what they were answered, what they saw, what is stored.

Clients write it while the run goes on; the checker reads it when everything is healed. Nothing here does any I/O.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

# Each conversation has a word of its own in every text said in it, so that a text in a wrong place is known for what it is.
MARK = re.compile(r"\bzqmark[a-z]{10}\b")

# What the name of a screen ends in that was opened when all was over.
AFRESH = " afresh"


class Outcome(StrEnum):
    """What one try ended in, as its sender knows it."""

    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one try. `seq` goes with OK, `code` with FAIL and, where there was one, with UNKNOWN.

    A plain form is told that its text is stored, and not under which number; that is on the next page, if it comes.
    """

    outcome: Outcome
    at: float
    seq: int | None = None
    code: str = ""
    via: str = ""
    """What carried the answer."""


@dataclass(slots=True)
class Message:
    """One thing that somebody wanted to say, with every answer to every try. `number` is the sender's own order."""

    conversation: str
    sender: str
    number: int
    id: str
    text: str
    began: float
    answers: list[Answer] = field(default_factory=list)

    @property
    def seqs(self) -> set[int]:
        return {answer.seq for answer in self.answers if answer.seq is not None}

    @property
    def acknowledged_at(self) -> float | None:
        return next((answer.at for answer in self.answers if answer.outcome is Outcome.OK), None)

    @property
    def acknowledged_via(self) -> str:
        return next((answer.via for answer in self.answers if answer.outcome is Outcome.OK), "")

    @property
    def is_settled(self) -> bool:
        """Whether its sender knows an end of it, even where an earlier try leaves open whether it was stored."""
        return any(answer.outcome is not Outcome.UNKNOWN for answer in self.answers)

    @property
    def outcome(self) -> Outcome:
        """OK once acknowledged; FAIL only when no try can have been stored."""
        if self.acknowledged_at is not None:
            return Outcome.OK
        failed = bool(self.answers) and all(answer.outcome is Outcome.FAIL for answer in self.answers)
        return Outcome.FAIL if failed else Outcome.UNKNOWN


@dataclass(frozen=True, slots=True)
class Shown:
    """One line of a conversation. A visitor's hidden line has a number and the kind `hidden`, and nothing else."""

    seq: int
    kind: str
    author: str = ""
    id: str = ""
    text: str = ""


@dataclass(slots=True)
class Screen:
    """What one client shows of one conversation in the end, and what it noticed on the way that must not happen."""

    client: str
    conversation: str
    of_visitor: bool
    lines: list[Shown] = field(default_factory=list)
    noticed: list[str] = field(default_factory=list)
    is_page: bool = False
    """Drawn by the server: lines that are hidden from the visitor are not there at all, and others have words of their own."""
    shown_at: dict[str, float] = field(default_factory=dict)
    """When each text came, for a client that was there all the time."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Every mark that reached a client in any frame, and the conversations that are its to see."""

    client: str
    conversations: frozenset[str]
    marks: frozenset[str]


@dataclass(frozen=True, slots=True)
class Injected:
    """One fault: when it began, and when what it broke was whole again and everybody had been served."""

    name: str
    began: float
    recovered: float


@dataclass(frozen=True, slots=True)
class Run:
    """A whole run. `stored` is the log by conversation, in order; `marks` the word of each conversation; `ways` the kind
    of network between each client and the service."""

    messages: Sequence[Message]
    screens: Sequence[Screen]
    heard: Sequence[Heard]
    stored: Mapping[str, Sequence[Shown]]
    marks: Mapping[str, str]
    faults: Sequence[Injected] = ()
    ways: Mapping[str, str] = field(default_factory=dict)
