"""Saying something, by whatever door: the one path of a message before the log.

Text is checked and made storable, what seems to identify a person is held unless it was confirmed, and only then the log
is asked. Sockets, JSON posts and plain forms all come through here.
"""

import uuid
from dataclasses import dataclass

from chat.events import Author
from chat.holding import check_unheld
from chat.log import Log, Receipt
from chat.words import Kind
from core.text import check_text


@dataclass(frozen=True, slots=True)
class Said:
    """A message on its way: its text as typed, the id its sender gave it, and whether a hold was answered."""

    text: str
    client_id: uuid.UUID
    confirm: bool = False


async def say(log: Log, conversation_id: int, author: Author, said: Said, kind: Kind = Kind.MESSAGE) -> Receipt:
    """Check, hold, then store. Raises a Refusal or Held."""
    text = check_text(said.text)
    check_unheld(text, confirm=said.confirm)
    return await log.say(conversation_id, author, text, said.client_id, kind)
