"""Taking the text out of a message: for good, on the record, and without a gap in the log.

The event keeps its number, author, time and id. In place of the text its row holds a keyed hash, sealed like everything
else, so that the message is known again when it is sent again; the hash is told to nobody.
"""

from dataclasses import replace

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chat.events import Author, Entry, Event, open_event, seal_event
from chat.keys import ConversationKeys
from chat.log import Log
from chat.tables import conversation, event
from chat.words import Kind
from core.errors import NotFound

REDACTABLE = frozenset({Kind.MESSAGE, Kind.NOTE})


async def redact(
    connection: AsyncConnection, log: Log, keys: ConversationKeys, conversation_id: int, seq: int, by: Author
) -> list[Event]:
    """Remove the text of this event and add a `redacted` event, inside the caller's transaction.

    `announce` what is returned after the commit; it is empty when the text was removed before. Raises NotFound.
    """
    query = (
        select(event, conversation.c.wrapped_key)
        .join(conversation, conversation.c.id == event.c.conversation_id)
        .where(event.c.conversation_id == conversation_id, event.c.seq == seq)
        .with_for_update(of=event)
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None or row.kind not in REDACTABLE:
        raise NotFound
    key = keys.get(conversation_id, row.wrapped_key)
    before = open_event(row, key)
    if before.was is not None:
        return []
    after = replace(before, text="", data={"redacted": True}, was=key.mac(before.text.encode()))
    await connection.execute(update(event).where(event.c.id == row.id).values(sealed=seal_event(after, key)))
    return await log.append(connection, conversation_id, Entry(Kind.REDACTED, by, data={"seq": seq}))
