"""What an advisor has written in a conversation and not sent: there on another screen, and after a crash.

Sealed under the conversation's key, gone when the message is sent and with the text at erasure. What seems to identify a
person is masked in it: whether that may be stored is asked when it is sent, not while it is typed.
"""

import asyncio

from sqlalchemy import ColumnElement, and_, bindparam, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chat.identifiers import mask_all
from chat.keys import ConversationKeys, place_of
from chat.tables import conversation, draft, event
from chat.words import Kind
from core.clock import Clock, from_ms
from core.crypto import DataKey
from core.db import Database
from core.errors import Unavailable
from core.troubles import troubles

GATHER_S = 1.0


class Drafts:
    def __init__(self, db: Database, keys: ConversationKeys, clock: Clock) -> None:
        self._db = db
        self._keys = keys
        self._clock = clock
        self._sent: dict[tuple[int, str], int] = {}
        self._wake = asyncio.Event()

    async def keep(self, conversation_id: int, account_id: str, text: str) -> None:
        """In place of what was kept before; an empty one forgets it."""
        async with self._db.write() as connection:
            key = await self._key(connection, conversation_id, lock=True)
            await connection.execute(delete(draft).where(_of(conversation_id, account_id)))
            if text:
                sealed = key.seal(mask_all(text).encode(), _place(conversation_id, account_id))
                values = {"conversation_id": conversation_id, "account_id": account_id, "sealed": sealed}
                await connection.execute(insert(draft).values(at=self._clock(), **values))

    async def of(self, conversation_id: int, account_id: str) -> str:
        """What is kept; empty when a message was sent since."""
        since = and_(
            event.c.conversation_id == conversation_id,
            event.c.author == account_id,
            event.c.kind == Kind.MESSAGE,
            event.c.at_ms >= draft.c.at,
        )
        unsent = _of(conversation_id, account_id) & ~select(event.c.id).where(since).exists()
        async with self._db.read() as connection:
            sealed = (await connection.execute(select(draft.c.sealed).where(unsent))).scalar_one_or_none()
            if sealed is None:
                return ""
            key = await self._key(connection, conversation_id)
        return key.open(sealed, _place(conversation_id, account_id)).decode()

    def sent(self, conversation_id: int, account_id: str, at_ms: int) -> None:
        """A message was stored: what was kept until then is forgotten, a moment later."""
        self._sent[conversation_id, account_id] = at_ms
        self._wake.set()

    async def run(self) -> None:
        """Forget what was sent, many at a time, until cancelled."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(GATHER_S)
            self._wake.clear()
            sent, self._sent = self._sent, {}
            try:
                await self._forget(sent)
            except Unavailable:
                # It is not shown any more in any case, and is forgotten with the next one.
                troubles.note("drafts_not_forgotten", count=len(sent))
                self._sent = sent | self._sent

    async def _forget(self, sent: dict[tuple[int, str], int]) -> None:
        """Most messages leave none: the look is a read, so that it does not stand in any writer's way."""
        some = select(draft.c.conversation_id, draft.c.account_id).where(
            draft.c.conversation_id.in_({conversation_id for conversation_id, _ in sent})
        )
        async with self._db.read() as connection:
            there = [(one, who) for one, who in await connection.execute(some) if (one, who) in sent]
        if not there:
            return
        older = and_(_of(bindparam("of"), bindparam("who")), draft.c.at <= bindparam("until"))
        async with self._db.write() as connection:
            await connection.execute(
                delete(draft).where(older),
                [{"of": one, "who": who, "until": from_ms(sent[one, who])} for one, who in sorted(there)],
            )

    async def _key(self, connection: AsyncConnection, conversation_id: int, *, lock: bool = False) -> DataKey:
        query = select(conversation.c.wrapped_key).where(conversation.c.id == conversation_id)
        if lock:
            # Against erasure, and against the same draft from another tab.
            query = query.with_for_update()
        return self._keys.get(conversation_id, (await connection.execute(query)).scalar_one_or_none())


def _of(conversation_id: object, account_id: object) -> ColumnElement[bool]:
    return and_(draft.c.conversation_id == conversation_id, draft.c.account_id == account_id)


def _place(conversation_id: int, account_id: str) -> bytes:
    return place_of(conversation_id, f"draft|{account_id}")
