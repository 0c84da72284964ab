"""The worker: what happens without anybody asking. Any number may run; one leads, by a lease in the database.

The leader removes what has had its time: conversations past their retention, ended sessions, old throttles. The rest wait to take
over, within fifteen seconds.
"""

import asyncio
import secrets
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, insert, or_, update
from sqlalchemy.exc import IntegrityError

from app.offline import database_url
from core.audit import AuditLog
from core.clock import Clock, utc_now
from core.crypto import Signer
from core.db import Database
from core.errors import Unavailable
from core.limits import FORGET_AFTER
from core.settings import Settings
from core.tables import lease, throttle
from staff.tables import session
from triage.retention import erase_overdue

logger = structlog.get_logger()

LEASE = "worker"
LEASE_FOR = timedelta(seconds=15)
ROUND_S = 5.0
TIDY_EVERY = timedelta(minutes=1)


class Worker:
    def __init__(self, db: Database, audit: AuditLog, clock: Clock) -> None:
        self._db = db
        self._audit = audit
        self._clock = clock
        self._name = secrets.token_hex(8)
        self._leads = False
        self._tidied_at: datetime | None = None

    async def run(self) -> None:
        """Lead when nobody does, until cancelled; then let go at once."""
        try:
            while True:
                await self._round()
                await asyncio.sleep(ROUND_S)
        finally:
            await self._let_go()

    async def _round(self) -> None:
        try:
            leads = await self.lead()
            if leads != self._leads:
                self._leads = leads
                logger.info("worker_leads" if leads else "worker_waits")
            now = self._clock()
            if leads and (self._tidied_at is None or now - self._tidied_at >= TIDY_EVERY):
                await self._tidy(now)
                self._tidied_at = now
        except Unavailable:
            self._leads = False
            logger.warning("worker_without_database")

    async def lead(self) -> bool:
        """Take or renew the lease; whether it is ours."""
        now = self._clock()
        ours_or_over = or_(lease.c.holder == self._name, lease.c.until < now)
        renew = (
            update(lease).where(lease.c.name == LEASE, ours_or_over).values(holder=self._name, until=now + LEASE_FOR)
        )
        try:
            async with self._db.write() as connection:
                if (await connection.execute(renew)).rowcount:
                    return True
                async with connection.begin_nested():
                    await connection.execute(insert(lease).values(name=LEASE, holder=self._name, until=now + LEASE_FOR))
                return True
        except IntegrityError:
            return False

    async def _tidy(self, now: datetime) -> None:
        async with self._db.write() as connection:
            await connection.execute(delete(session).where(session.c.until < now))
            await connection.execute(delete(throttle).where(throttle.c.seen < now - FORGET_AFTER))
        while erased := await erase_overdue(self._db, self._audit, now):
            logger.info("conversations_erased", count=erased)

    async def _let_go(self) -> None:
        try:
            async with self._db.write() as connection:
                await connection.execute(delete(lease).where(lease.c.name == LEASE, lease.c.holder == self._name))
        except Unavailable:
            logger.info("lease_left_to_run_out")


async def run_worker(settings: Settings) -> None:
    db = Database(database_url(settings))
    try:
        await Worker(db, AuditLog(Signer.from_file(settings.secret_key_file)), utc_now).run()
    finally:
        await db.close()
