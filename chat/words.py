"""The fixed words of a conversation, the same in database, code, frame and page."""

from enum import StrEnum


class Status(StrEnum):
    WAITING = "waiting"
    ACTIVE = "active"
    ENDED = "ended"
    LEFT = "left"
    QUESTION = "question"
    ANSWERED = "answered"
    ERASED = "erased"


class Kind(StrEnum):
    MESSAGE = "message"
    NOTE = "note"
    ARTICLE = "article"
    QUEUED = "queued"
    JOINED = "joined"
    LEFT = "left"
    TRANSFERRED = "transferred"
    REQUEUED = "requeued"
    REDACTED = "redacted"
    ENDED = "ended"


class Side(StrEnum):
    """Who wrote an event, as frames say it."""

    VISITOR = "visitor"
    ADVISOR = "advisor"
    SYSTEM = "system"


VISITOR = "visitor"
SYSTEM = "system"
"""Authors that are not an account."""

SAID = frozenset({Kind.MESSAGE, Kind.ARTICLE})
"""What one side says or gives to the other."""
OPEN = frozenset({Status.WAITING, Status.ACTIVE, Status.QUESTION})
HIDDEN_FROM_VISITOR = frozenset({Kind.NOTE})


class Part(StrEnum):
    """How a colleague was brought into a conversation: to write in it, or on the side, which the visitor does not see."""

    JOINED = "joined"
    CONSULTED = "consulted"
