"""Saying something, by whatever door: the one path of a message before the log.

Text is checked and made storable, what seems to identify a person is held unless it was confirmed, and only then the log
is asked. Sockets, JSON posts and plain forms all come through here. What follows the receipt delays nobody.
"""

import asyncio
import contextlib
import uuid
from dataclasses import dataclass, replace

from chat.drafts import Drafts
from chat.events import Author
from chat.holding import TEXT, Held, Holds
from chat.log import Log, Receipt
from chat.words import Kind, Side
from core.contest import note_stored
from core.errors import AssignmentLost, Refusal
from core.text import check_text


@dataclass(frozen=True, slots=True)
class Said:
    """A message on its way: its text as typed, the id its sender gave it, and whether a hold was answered."""

    text: str
    client_id: uuid.UUID
    confirm: bool = False


@dataclass(frozen=True, slots=True)
class OnItsWay:
    """A message that the log was given: its text as it will be stored, and what the log will answer."""

    conversation_id: int
    author: Author
    said: Said
    kind: Kind
    text: str
    answer: asyncio.Future[Receipt]


class Saying:
    def __init__(self, log: Log, holds: Holds, drafts: Drafts) -> None:
        self._log = log
        self._holds = holds
        self._drafts = drafts

    async def say(self, conversation_id: int, author: Author, said: Said, kind: Kind = Kind.MESSAGE) -> Receipt:
        """Check, hold, then store. Raises a Refusal or Held."""
        try:
            return await self.end(self.begin(conversation_id, author, said, kind))
        except Held:
            if not await self.knows(conversation_id, author, said.client_id):
                raise
        # It was confirmed before and is sent again: the log answers as it did then.
        return await self.end(self.begin(conversation_id, author, replace(said, confirm=True), kind))

    async def knows(self, conversation_id: int, author: Author, client_id: uuid.UUID) -> bool:
        """Whether something was stored under this id before."""
        return await self._log.has(conversation_id, author, client_id)

    def begin(self, conversation_id: int, author: Author, said: Said, kind: Kind = Kind.MESSAGE) -> OnItsWay:
        """Check, hold, then give it to the log. When the log has answered, `stored` or `end` does the rest."""
        text = check_text(said.text)
        self._holds.check(said.client_id.hex, {TEXT: text}, confirm=said.confirm)
        answer = self._log.say(conversation_id, author, text, said.client_id, kind)
        return OnItsWay(conversation_id, author, said, kind, text, answer)

    async def end(self, on_its_way: OnItsWay) -> Receipt:
        """Wait for the log's answer, and do what follows it."""
        # Whoever asked for this cannot begin anew: it may be stored.
        note_stored()
        try:
            receipt = await on_its_way.answer
            self.stored(on_its_way, receipt)
            return receipt
        except AssignmentLost:
            if on_its_way.kind is Kind.MESSAGE:
                # It is there when the conversation comes back; that it could not be kept changes nothing here.
                with contextlib.suppress(Refusal):
                    await self._drafts.keep(on_its_way.conversation_id, on_its_way.author.key, on_its_way.text)
            raise
        finally:
            # A refusal keeps this frame, which would keep the refusal, until the next collection.
            del on_its_way

    def stored(self, on_its_way: OnItsWay, receipt: Receipt) -> None:
        """What follows a receipt."""
        said, author = on_its_way.said, on_its_way.author
        if not receipt.again:
            self._holds.stored(said.client_id.hex, [on_its_way.text], confirm=said.confirm)
        if author.kind is Side.ADVISOR and on_its_way.kind is Kind.MESSAGE:
            self._drafts.sent(on_its_way.conversation_id, author.key, receipt.at_ms)
