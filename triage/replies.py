"""Saved replies: sentences an advisor often writes, their own and those that all share, with places that are filled in.

A place is a word in braces, such as `{nickname}`; which there are is said here once. A reply with any other word in braces
is not saved. What is inserted is text in the composer: nothing is sent by it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlalchemy import delete, insert, or_, select, update

from chat.conversations import Conversation
from core.audit import AuditLog
from core.clock import Clock
from core.db import Database
from core.errors import Empty, NotAllowed, NotFound, Refusal
from core.people import Role, SignedIn
from core.text import check_text
from triage import words
from triage.hours import Opening, OpenState, opening_words
from triage.tables import saved_reply

NAME_MOST = 40
TEXT_MOST = 1_000
MOST_OF_ONE = 100

PLACES: Mapping[str, str] = {
    "nickname": "what the visitor is called",
    "reference": "the reference of the conversation",
    "advisor": "your name",
    "topic": "what the enquiry is about",
    "opens": "when the service opens next, as in Monday at 9:30",
    "phone": "the number of the phone line",
}
"""What may stand in braces, and what comes in its place."""

PLACE = re.compile(r"\{([^{}]*)\}")
PHONE = "0808 802 4040"


class BadReply(Refusal):
    """`field` names what is wrong: name or text."""

    code: ClassVar[str] = "invalid"
    status: ClassVar[int] = 422
    message: ClassVar[str] = "Give the reply a name and a text."

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True, slots=True)
class Reply:
    id: int
    name: str
    text: str
    shared: bool
    may_change: bool

    @property
    def shortcut(self) -> str:
        """What is typed after the stroke."""
        return "-".join(re.findall(r"\w+", self.name.lower()))


@dataclass(frozen=True, slots=True)
class NewReply:
    """Checked."""

    name: str
    text: str


class Replies:
    def __init__(self, db: Database, opening: Opening, audit: AuditLog, clock: Clock) -> None:
        self._db = db
        self._opening = opening
        self._audit = audit
        self._clock = clock

    async def of(self, person: SignedIn) -> Sequence[Reply]:
        """Those of one account and the shared ones, by name."""
        columns = (saved_reply.c.id, saved_reply.c.name, saved_reply.c.text, saved_reply.c.account_id)
        theirs = or_(saved_reply.c.account_id == person.account_id, saved_reply.c.account_id.is_(None))
        async with self._db.read() as connection:
            rows = (await connection.execute(select(*columns).where(theirs).order_by(saved_reply.c.name))).all()
        leads = person.has(Role.SUPERVISOR)
        return [
            Reply(row.id, row.name, row.text, row.account_id is None, bool(row.account_id) or leads) for row in rows
        ]

    async def filled(self, person: SignedIn, found: Conversation) -> Sequence[Reply]:
        """The same, as they read in this conversation."""
        replies = await self.of(person)
        if not replies:
            return []
        state, now = await self._opening.state(), self._clock()
        values = {
            "nickname": found.nickname,
            "reference": found.reference,
            "advisor": person.name,
            "topic": words.TOPICS.get(found.topic, found.topic),
            "opens": _opens(state, now),
            "phone": PHONE,
        }
        return [Reply(one.id, one.name, filled_in(one.text, values), one.shared, one.may_change) for one in replies]

    async def add(self, person: SignedIn, new: NewReply, *, shared: bool) -> int:
        """Raises NotAllowed, BadReply."""
        _check_may_change(person, shared=shared)
        owner = None if shared else person.account_id
        if sum(one.shared == shared for one in await self.of(person)) >= MOST_OF_ONE:
            raise BadReply("name", f"There are {MOST_OF_ONE} already. Delete one first.")
        values = {"account_id": owner, "changed_by": person.account_id, "changed_at": self._clock()}
        async with self._db.write() as connection:
            query = insert(saved_reply).values(name=new.name, text=new.text, **values).returning(saved_reply.c.id)
            number = int((await connection.execute(query)).scalar_one())
            if shared:
                subject = f"saved_reply:{number}"
                await self._audit.append(connection, self._clock(), person.account_id, "reply_added", subject)
        return number

    async def change(self, person: SignedIn, number: int, new: NewReply) -> None:
        """Raises NotFound for what is somebody else's, NotAllowed for a shared one."""
        await self._find(person, number)
        values = {"name": new.name, "text": new.text, "changed_by": person.account_id, "changed_at": self._clock()}
        async with self._db.write() as connection:
            await connection.execute(update(saved_reply).where(saved_reply.c.id == number).values(**values))

    async def delete(self, person: SignedIn, number: int) -> None:
        """Raises NotFound, NotAllowed."""
        await self._find(person, number)
        async with self._db.write() as connection:
            await connection.execute(delete(saved_reply).where(saved_reply.c.id == number))

    async def _find(self, person: SignedIn, number: int) -> Reply:
        found = next((one for one in await self.of(person) if one.id == number), None)
        if found is None:
            raise NotFound
        _check_may_change(person, shared=found.shared)
        return found


def check_reply(name: str, text: str) -> NewReply:
    """Raises BadReply, which names the field."""
    try:
        name = " ".join(check_text(name, NAME_MOST).split())
    except Empty:
        raise BadReply("name", "Give the reply a name. You find it by its name.") from None
    except Refusal:
        raise BadReply("name", f"Give the reply a name of at most {NAME_MOST} characters.") from None
    if not re.search(r"\w", name):
        raise BadReply("name", "Give the reply a name with letters. You find it by its name.")
    try:
        text = check_text(text, TEXT_MOST)
    except Empty:
        raise BadReply("text", "Write what the reply says.") from None
    except Refusal:
        raise BadReply("text", f"Shorten the reply to {TEXT_MOST:,} characters of plain text.") from None
    unknown = [word for word in PLACE.findall(text) if word not in PLACES]
    if unknown:
        known = ", ".join(f"{{{word}}}" for word in PLACES)
        raise BadReply("text", f"There is nothing to put in place of {{{unknown[0][:40]}}}. There are {known}.")
    return NewReply(name, text)


def _opens(state: OpenState, now: datetime) -> str:
    if state.opens_at is not None:
        return opening_words(state.opens_at, now)
    return "at any time" if state.open else "when we can say"


def filled_in(text: str, values: Mapping[str, str]) -> str:
    """What stands in braces, replaced; nothing that is put there is looked at again."""
    return PLACE.sub(lambda found: values.get(found[1], found[0]), text)


def _check_may_change(person: SignedIn, *, shared: bool) -> None:
    if shared and not person.has(Role.SUPERVISOR):
        raise NotAllowed("Shared replies are changed by supervisors. Save one of your own.")
