"""Visitors who connect: who is behind a cookie, and where their conversation stands.

After a restart thousands come back within seconds, each with two of these questions. They are asked together: one
statement for all who wait at that moment, with no more columns than a connection needs.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, bindparam, text

from chat.events import VISITOR_AUTHOR
from chat.keys import ConversationKeys, place_of
from chat.session import Head
from core.crypto import token_hash
from core.db import Database
from core.gather import Gathered

TOKEN_CHARACTERS = range(20, 101)
HEAD = "id, reference, status, last_seq, visitor_read, advisor_read"
FIND = f"SELECT {HEAD}, sealed_nickname, wrapped_key, visitor_token_hash FROM conversation WHERE visitor_token_hash"  # noqa: S608  # names of columns only

FIND_POSTGRES = text(f"{FIND} = ANY(CAST(:hashes AS bytea[]))")
FIND_SQLITE = text(f"{FIND} IN :hashes").bindparams(bindparam("hashes", expanding=True))


class Arrivals:
    def __init__(self, db: Database, keys: ConversationKeys) -> None:
        self._db = db
        self._keys = keys
        self._find = FIND_SQLITE if db.is_sqlite else FIND_POSTGRES
        self._rows = Gathered(self._read)

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
