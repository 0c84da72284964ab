"""What somebody of staff is told when they next look: that a conversation went back into the line, that they were set away.

A notice is written in the transaction that does what it tells of, and stays until it was seen. It holds fixed words,
references and names of staff; never what anybody wrote in a conversation.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, exists, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chat.tables import conversation
from chat.words import Status
from core.clock import Clock, rfc3339, to_ms
from core.db import Database
from core.people import Role
from core.signals import Signals
from staff.tables import account, account_role
from triage.tables import invitation, notice

TOPIC = "notice"
MOST_SHOWN = 20
INVITED = "invited"

TEXTS: dict[str, str] = {
    "requeued": "{conversation} went back into the line, because your desk could not be reached. It is ahead of the others. "
    "What you had not sent is kept.",
    "set_away": "You let {missed} offers go by and were set to away. Go online when you are back.",
    "advisor_set_away": "{name} let {missed} offers go by and was set to away.",
    "advisor_lost": "{name} could not be reached any longer. {conversation} went back into the line, ahead of the others.",
    "transferred_to_you": "{name} handed {conversation} over to you.",
    "transferred_away": "{name} gave {conversation} to somebody else.",
    INVITED: "{name} asks you to come to {conversation}.",
    "came": "{name} reads along in {conversation}.",
    "cannot_come": "{name} cannot come to {conversation} now.",
    "guest_left": "{name} no longer reads along in {conversation}.",
    "regraded": "{name} changed the urgency of {conversation}.",
    "closed_with_waiting": "The service closed while people waited ({count}). They were told, and what they asked is kept "
    "under Questions left.",
}
"""By kind. A further kind is a further line here."""


@dataclass(frozen=True, slots=True)
class Notice:
    id: int
    account_id: str
    kind: str
    text: str
    conversation: str | None
    at: datetime

    def as_frame(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "text": self.text,
            "conversation": self.conversation,
            "at": rfc3339(to_ms(self.at)),
        }

    def as_view(self) -> dict[str, Any]:
        """As the desk's template shows it."""
        return {"id": self.id, "kind": self.kind, "text": self.text, "reference": self.conversation, "at": self.at}


class Notices:
    def __init__(self, db: Database, signals: Signals, clock: Clock) -> None:
        self._db = db
        self._signals = signals
        self._clock = clock
        self._listeners: list[Callable[[], None]] = []

    def on_told(self, listener: Callable[[], None]) -> None:
        """Call it when somebody was told something on this process; the others get a hint."""
        self._listeners.append(listener)

    async def tell(
        self,
        connection: AsyncConnection,
        account_id: str,
        kind: str,
        conversation_id: int | None = None,
        **data: str | int,
    ) -> None:
        """Write it in the caller's transaction, who calls `told` after the commit."""
        assert kind in TEXTS, kind
        row = {"account_id": account_id, "conversation_id": conversation_id, "kind": kind}
        await connection.execute(
            insert(notice).values(**row, data=msgspec.json.encode(data).decode(), at=self._clock(), seen_at=None)
        )

    async def tell_supervisors(
        self, connection: AsyncConnection, kind: str, conversation_id: int | None = None, **data: str | int
    ) -> list[str]:
        """The same to everybody who supervises; their accounts, for `told`."""
        query = (
            select(account.c.id)
            .join(account_role)
            .where(account_role.c.role == Role.SUPERVISOR, ~account.c.disabled)
            .order_by(account.c.id)
        )
        supervisors = list((await connection.execute(query)).scalars())
        for account_id in supervisors:
            await self.tell(connection, account_id, kind, conversation_id, **data)
        return supervisors

    async def settle(
        self, connection: AsyncConnection, account_id: str, kind: str, conversation_id: int | None = None
    ) -> None:
        """What it told of is answered or over: it need not be seen any longer. In the caller's transaction."""
        told = (notice.c.account_id == account_id, notice.c.kind == kind, notice.c.conversation_id == conversation_id)
        query = update(notice).where(*told, notice.c.seen_at.is_(None))
        await connection.execute(query.values(seen_at=self._clock()))

    def told(self, *account_ids: str) -> None:
        """After the commit: their desks look for it at once, in whichever process they are."""
        for account_id in account_ids:
            self._signals.send(TOPIC, account_id)
        for listener in self._listeners if account_ids else ():
            listener()

    async def unseen(self, account_id: str) -> list[Notice]:
        """Those of one account, the oldest first."""
        async with self._db.read() as connection:
            return (await read_unseen(connection, [account_id])).get(account_id, [])

    async def seen(self, account_id: str, up_to: int | None = None) -> None:
        """They were looked at: all, or those up to this number."""
        mine = update(notice).where(notice.c.account_id == account_id, notice.c.seen_at.is_(None))
        if up_to is not None:
            mine = mine.where(notice.c.id <= up_to)
        async with self._db.write() as connection:
            await connection.execute(mine.values(seen_at=self._clock()))
        self.told(account_id)


# However the invitation ended, or the conversation: to be asked is no news any more.
_IS_ASKED = exists().where(
    invitation.c.conversation_id == conversation.c.id,
    invitation.c.to_id == notice.c.account_id,
    invitation.c.ended_at.is_(None),
    conversation.c.status == Status.ACTIVE,
)


async def read_unseen(connection: AsyncConnection, account_ids: Collection[str]) -> dict[str, list[Notice]]:
    """By account, the oldest first."""
    query = (
        select(notice, conversation.c.reference)
        .select_from(notice.outerjoin(conversation, notice.c.conversation_id == conversation.c.id))
        .where(
            notice.c.account_id.in_(account_ids), notice.c.seen_at.is_(None), or_(notice.c.kind != INVITED, _IS_ASKED)
        )
        .order_by(notice.c.id)
    )
    found: dict[str, list[Notice]] = {}
    for row in await connection.execute(query):
        if len(mine := found.setdefault(row.account_id, [])) < MOST_SHOWN:
            mine.append(_notice(row))
    return found


def _notice(row: Row[*tuple[Any, ...]]) -> Notice:
    told: Mapping[str, Any] = {**msgspec.json.decode(row.data), "conversation": row.reference or "A conversation"}
    return Notice(row.id, row.account_id, row.kind, TEXTS[row.kind].format_map(told), row.reference, row.at)
