"""Who connects, and looks again: who is behind a cookie, and where their conversations stand.

After a restart thousands come back within seconds, each with two of these questions, and all desks ask every few seconds.
They are asked together: one statement for all who wait at that moment, with no more columns than a connection needs.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BindParameter, Row, Select, and_, any_, bindparam, cast, literal, select, union
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from chat.events import VISITOR_AUTHOR
from chat.keys import ConversationKeys, place_of
from chat.tables import conversation, participant
from chat.viewer import Head
from chat.words import Part, Status
from core.crypto import token_hash
from core.db import Database
from core.gather import CROWDS_GATHER_S, Gathered

TOKEN_CHARACTERS = range(20, 101)
HEAD_COLUMNS = ("id", "reference", "status", "last_seq", "visitor_read", "advisor_read")

_head = [conversation.c[name] for name in HEAD_COLUMNS]
_hash = conversation.c.visitor_token_hash
_FIND: Select[Any] = select(*_head, conversation.c.sealed_nickname, conversation.c.wrapped_key, _hash)
# As one array: a list of a hundred parameters is written anew each time.
FIND_POSTGRES = _FIND.where(_hash == any_(cast(bindparam("hashes"), ARRAY(BYTEA))))
FIND_SQLITE = _FIND.where(_hash.in_(bindparam("hashes", expanding=True)))

_is_active = and_(conversation.c.status == Status.ACTIVE, conversation.c.wrapped_key.is_not(None))
_accounts: BindParameter[Any] = bindparam("accounts", expanding=True)

# An advisor's own, and those that a colleague was brought into, openly or on the side.
DESKS = union(
    select(conversation.c.advisor_id.label("account_id"), *_head, literal("advisor").label("part")).where(
        _is_active, conversation.c.advisor_id.in_(_accounts)
    ),
    select(participant.c.account_id, *_head, participant.c.part)
    .join(conversation, conversation.c.id == participant.c.conversation_id)
    .where(_is_active, participant.c.until.is_(None), participant.c.account_id.in_(_accounts)),
)


class Arrivals:
    def __init__(self, db: Database, keys: ConversationKeys) -> None:
        self._db = db
        self._keys = keys
        self._find = FIND_SQLITE if db.is_sqlite else FIND_POSTGRES
        self._rows = Gathered(self._read, crowds_gather_s=CROWDS_GATHER_S)
        self._desks = Gathered(self._read_desks, crowds_gather_s=CROWDS_GATHER_S)

    async def name(self, token: str) -> str | None:
        """What the visitor is called; None when the cookie opens nothing."""
        row = await self._row(token)
        if row is None:
            return None
        if row.sealed_nickname is None:
            return VISITOR_AUTHOR.name
        key = self._keys.get(row.id, row.wrapped_key)
        return key.open(row.sealed_nickname, place_of(row.id, "nickname")).decode()

    async def heads(self, token: str) -> list[Head]:
        """The one conversation of this cookie, or none."""
        row = await self._row(token)
        if row is None:
            return []
        return [Head(row.id, row.reference, row.status, row.last_seq, row.visitor_read, row.advisor_read)]

    async def heads_of_account(self, account_id: str) -> list[Head]:
        """The active conversations of this account, and those that it was brought into."""
        return await self._desks.get(account_id)

    async def _row(self, token: str) -> Row[Any] | None:
        if len(token) not in TOKEN_CHARACTERS:
            return None
        row = await self._rows.get(token_hash(token))
        return None if row is None or row.wrapped_key is None else row

    async def _read(self, hashes: list[bytes]) -> Sequence[Row[Any] | None]:
        async with self._db.read() as connection:
            rows = (await connection.execute(self._find, {"hashes": hashes})).all()
        found = {row.visitor_token_hash: row for row in rows}
        return [found.get(one) for one in hashes]

    async def _read_desks(self, accounts: list[str]) -> list[list[Head]]:
        found: dict[str, dict[int, Head]] = {one: {} for one in accounts}
        async with self._db.read() as connection:
            for row in await connection.execute(DESKS, {"accounts": accounts}):
                heads, is_aside = found[row.account_id], row.part == Part.CONSULTED
                # In more than one way: what the visitor sees counts.
                if not is_aside or row.id not in heads:
                    known = (row.status, row.last_seq, row.visitor_read, row.advisor_read)
                    heads[row.id] = Head(row.id, row.reference, *known, is_aside)
        return [list(found[one].values()) for one in accounts]
