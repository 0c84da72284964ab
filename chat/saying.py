"""Saying something, by whatever door: the one path of a message before the log.

Text is checked and made storable, what seems to identify a person is held unless it was confirmed, and only then the log
is asked. Sockets, JSON posts and plain forms all come through here. What follows the receipt delays nobody.
"""

import contextlib
import uuid
from dataclasses import dataclass

from chat.drafts import Drafts
from chat.events import Author
from chat.holding import TEXT, Holds
from chat.log import Log, Receipt
from chat.words import Kind, Side
from core.errors import AssignmentLost, Refusal
from core.text import check_text


@dataclass(frozen=True, slots=True)
class Said:
    """A message on its way: its text as typed, the id its sender gave it, and whether a hold was answered."""

    text: str
    client_id: uuid.UUID
    confirm: bool = False


class Saying:
    def __init__(self, log: Log, holds: Holds, drafts: Drafts) -> None:
        self._log = log
        self._holds = holds
        self._drafts = drafts

    async def say(self, conversation_id: int, author: Author, said: Said, kind: Kind = Kind.MESSAGE) -> Receipt:
        """Check, hold, then store. Raises a Refusal or Held."""
        text, key = check_text(said.text), said.client_id.hex
        self._holds.check(key, {TEXT: text}, confirm=said.confirm)
        try:
            receipt = await self._log.say(conversation_id, author, text, said.client_id, kind)
        except AssignmentLost:
            if kind is Kind.MESSAGE:
                # It is there when the conversation comes back; that it could not be kept changes nothing here.
                with contextlib.suppress(Refusal):
                    await self._drafts.keep(conversation_id, author.key, text)
            raise
        if not receipt.again:
            self._holds.stored(key, [text], confirm=said.confirm)
        if author.kind is Side.ADVISOR and kind is Kind.MESSAGE:
            self._drafts.sent(conversation_id, author.key, receipt.at_ms)
        return receipt
