"""The audit chain: who did what to which record, so that a change of the past shows.

Each row's MAC covers the row and the MAC before it. A row is written in the transaction that does what it tells of.
It never holds text that people wrote, but for one: the reason of an editor who publishes without a second person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import bindparam, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import to_ms
from core.crypto import Signer
from core.tables import audit, audit_head

FIRST_HEAD = text("INSERT INTO audit_head (id, length, mac) VALUES (1, 0, :mac) ON CONFLICT (id) DO NOTHING")


# Built once: each thing that anybody does comes by here.
ADD = insert(audit)
LOCK_HEAD = select(audit_head.c.length, audit_head.c.mac).where(audit_head.c.id == 1).with_for_update()
MOVE_HEAD = (
    update(audit_head).where(audit_head.c.id == 1).values(length=bindparam("to_length"), mac=bindparam("to_mac"))
)


@dataclass(frozen=True, slots=True)
class Deed:
    """Who did what to which record."""

    actor: str
    action: str
    subject: str
    data: Mapping[str, str | int | bool | None]


class AuditLog:
    """Appends to the chain; `verify` walks it."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    async def append(
        self,
        connection: AsyncConnection,
        at: datetime,
        actor: str,
        action: str,
        subject: str,
        **data: str | int | bool | None,
    ) -> None:
        """`actor` is an account id, `visitor` or `system`; `subject` names a record, such as `conversation:QK7F-4PDX`."""
        await self.append_all(connection, at, [Deed(actor, action, subject, data)])

    async def append_all(self, connection: AsyncConnection, at: datetime, deeds: Sequence[Deed]) -> None:
        """The same for several, in this order."""
        length, mac = await _lock_head(connection)
        rows = []
        for deed in deeds:
            length, data = length + 1, msgspec.json.encode(deed.data).decode()
            mac = self._signer.mac("audit", mac + _canonical(length, at, deed.actor, deed.action, deed.subject, data))
            told = {"at": at, "actor": deed.actor, "action": deed.action, "subject": deed.subject, "data": data}
            rows.append({"id": length, "mac": mac, **told})
        await connection.execute(ADD, rows)
        await connection.execute(MOVE_HEAD, {"to_length": length, "to_mac": mac})

    async def first_bad_row(self, connection: AsyncConnection) -> int | None:
        """The id of the first row that does not fit the chain, or None when all do."""
        before, expected = b"", 1
        for row in (await connection.execute(select(audit).order_by(audit.c.id))).all():
            mac = self._signer.mac(
                "audit", before + _canonical(row.id, row.at, row.actor, row.action, row.subject, row.data)
            )
            if row.id != expected or mac != row.mac:
                return int(row.id)
            before, expected = mac, expected + 1
        head = (await connection.execute(select(audit_head))).one_or_none()
        if head is not None and (head.length, head.mac) != (expected - 1, before):
            return expected
        return None


async def _lock_head(connection: AsyncConnection) -> tuple[int, bytes]:
    """How long the chain is, and the MAC it ends in. The first two rows of all may come at once: one makes the head."""
    head = (await connection.execute(LOCK_HEAD)).one_or_none()
    if head is None:
        await connection.execute(FIRST_HEAD, {"mac": b""})
        head = (await connection.execute(LOCK_HEAD)).one()
    return head.length, head.mac


def _canonical(number: int, at: datetime, actor: str, action: str, subject: str, data: str) -> bytes:
    """The row as its MAC sees it: the time as it is stored, in milliseconds."""
    return msgspec.json.encode([number, to_ms(at), actor, action, subject, data])
