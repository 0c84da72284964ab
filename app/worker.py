"""The worker: what happens without anybody asking. Any number may run; one leads, by a lease in the database.

The leader holds the next in the line out to advisors, puts back what lost advisors hold, publishes what is scheduled,
removes what has had its time, and reminds the owners of articles.
The rest wait to take over, within fifteen seconds. Redis only tells it when to look: without hints it looks each second.
"""

import asyncio
import secrets
from datetime import datetime, timedelta

import structlog
from redis.asyncio import Redis
from sqlalchemy import delete, insert, or_, update
from sqlalchemy.exc import IntegrityError

from app.migrations import database_epoch
from app.offline import database_url
from app.reminders import Reminders
from app.tasks import running
from chat.fanout import Fanout
from chat.keys import ConversationKeys
from chat.log import Log
from core.audit import AuditLog
from core.clock import Clock, utc_now
from core.crypto import KeyRing, Signer
from core.db import Database
from core.ending import to_the_end
from core.errors import Unavailable
from core.limits import FORGET_AFTER
from core.mail import mail_server
from core.outbox import forget_sent
from core.settings import Settings
from core.signals import Hint, Signals, open_redis
from core.tables import lease, throttle
from core.troubles import troubles
from knowledge.schedule import Schedule
from knowledge.search_notes import forget_old_searches
from staff.tables import session
from triage import offers
from triage.board import Board
from triage.closing import Closing
from triage.hours import Opening
from triage.notices import Notices
from triage.offers import Offers
from triage.reaper import Reaper
from triage.retention import erase_overdue
from triage.router import Router
from triage.tables import presence_lease
from triage.times import Times

logger = structlog.get_logger()

LEASE = "worker"
LEASE_FOR = timedelta(seconds=10)
ROUND_S = 2.5
"""Between renewals; the next leader takes over when the lease has run out, a round later at most."""

LOOK_S = 1.0
LEAST_REST_S = 0.05
TIDY_EVERY_S = 60.0
MAIL_EVERY_S = 60.0
LEASES_KEPT = timedelta(days=1)
MOVES = ("line", offers.TOPIC)
"""Hints after which the router looks at once."""


class Worker:
    def __init__(
        self,
        db: Database,
        audit: AuditLog,
        signals: Signals,
        router: Router,
        reaper: Reaper,
        closing: Closing,
        board: Board,
        schedule: Schedule,
        reminders: Reminders,
        clock: Clock,
    ) -> None:
        self._db = db
        self._audit = audit
        self._signals = signals
        self._router = router
        self._reaper = reaper
        self._closing = closing
        self._board = board
        self._schedule = schedule
        self._reminders = reminders
        self._clock = clock
        self._name = secrets.token_hex(8)
        self._leads_until: datetime | None = None
        self._leading = asyncio.Event()
        self._moved = asyncio.Event()
        for topic in MOVES:
            signals.on(topic, self._hinted)
        signals.on_gap(self._moved.set)

    async def run(self) -> None:
        """Lead when nobody does, until cancelled; then let go at once."""
        tasks = {
            "hints": self._signals.run,
            "lease": self._keep_leading,
            "router": self._route,
            "schedule": self._publish_scheduled,
            "tidy": self._keep_tidy,
            "mail": self._remind,
        }
        try:
            async with running(tasks):
                await asyncio.get_running_loop().create_future()
        finally:
            await self._let_go()

    # Leading.

    async def _keep_leading(self) -> None:
        while True:
            try:
                leads = await self.lead()
            except Unavailable:
                leads = False
                troubles.note("worker_without_database")
            if leads != self._leading.is_set():
                logger.info("worker_leads" if leads else "worker_waits")
            if leads:
                self._leading.set()
            else:
                self._stop_leading()
            await asyncio.sleep(ROUND_S)

    def _stop_leading(self) -> None:
        self._leading.clear()
        self._leads_until = None
        # What happened meanwhile is not known: whoever leads next waits before anybody is lost.
        self._reaper.freeze()

    async def lead(self) -> bool:
        """Take or renew the lease; whether it is ours."""
        now = self._clock()
        ours_or_over = or_(lease.c.holder == self._name, lease.c.until < now)
        values = {"holder": self._name, "until": now + LEASE_FOR}
        renew = update(lease).where(lease.c.name == LEASE, ours_or_over).values(values)
        try:
            async with self._db.write() as connection:
                if not (await connection.execute(renew)).rowcount:
                    async with connection.begin_nested():
                        await connection.execute(insert(lease).values(name=LEASE, **values))
        except IntegrityError:
            return False
        self._leads_until = now + LEASE_FOR
        return True

    @property
    def leads(self) -> bool:
        """A worker that was suspended may believe so for a moment longer than it is true; its clock tells."""
        return self._leading.is_set() and self._leads_until is not None and self._clock() < self._leads_until

    async def _let_go(self) -> None:
        try:
            async with self._db.write() as connection:
                await connection.execute(delete(lease).where(lease.c.name == LEASE, lease.c.holder == self._name))
        except Unavailable:
            logger.info("lease_left_to_run_out")

    # The line.

    def _hinted(self, hint: Hint) -> None:
        self._moved.set()

    async def _route(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._leading.wait()
            self._moved.clear()
            began = loop.time()
            await self._look()
            # Half of the time at most, however much moves: hints that come meanwhile are one look.
            await asyncio.sleep(max(LEAST_REST_S, loop.time() - began))
            await self._rest()

    async def _look(self) -> None:
        if not self.leads:
            return
        try:
            await self._router.tick()
            await self._reaper.tick()
            if self._reaper.acts:
                # Before that nobody counts as gone, so nobody may be told that no advisor is there.
                await self._closing.tick()
        except Unavailable:
            self._reaper.freeze()
            troubles.note("line_not_routed")
        except IntegrityError:
            # Another worker led for a moment and was faster: what it made is seen at the next look.
            logger.info("line_routed_by_another")

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(LOOK_S):
                await self._moved.wait()
        except TimeoutError:
            # Nothing was heard: the database may know better.
            return

    # Guidance.

    async def _publish_scheduled(self) -> None:
        while True:
            await self._leading.wait()
            try:
                if self.leads:
                    await self._schedule.tick()
            except Unavailable:
                troubles.note("schedule_not_followed")
            await asyncio.sleep(LOOK_S)

    # What has had its time.

    async def _keep_tidy(self) -> None:
        while True:
            await self._leading.wait()
            # First what must not be kept; and none of the three waits for another to succeed.
            for step in (self._erase, self._forget, self._board.sample):
                try:
                    await step()
                except Unavailable:
                    troubles.note("not_tidied", step=step.__name__.strip("_"))
            await asyncio.sleep(TIDY_EVERY_S)

    async def _erase(self) -> None:
        while erased := await erase_overdue(self._db, self._audit, self._clock()):
            logger.info("conversations_erased", count=erased)

    async def _forget(self) -> None:
        now = self._clock()
        async with self._db.write() as connection:
            await connection.execute(delete(session).where(session.c.until < now))
            await connection.execute(delete(throttle).where(throttle.c.seen < now - FORGET_AFTER))
            await forget_old_searches(connection, now)
            await forget_sent(connection, now)
            await connection.execute(delete(presence_lease).where(presence_lease.c.until < now - LEASES_KEPT))

    # Mail has a task of its own: a server that is slow delays nothing but mail.

    async def _remind(self) -> None:
        while True:
            await self._leading.wait()
            try:
                await self._reminders.tick()
            except Unavailable:
                troubles.note("nobody_reminded")
            await asyncio.sleep(MAIL_EVERY_S)


def make_worker(settings: Settings, db: Database, signals: Signals, times: Times | None = None) -> Worker:
    clock = utc_now
    audit = AuditLog(Signer.from_file(settings.secret_key_file))
    log = Log(db, ConversationKeys(KeyRing.from_file(settings.master_keys_file)), clock)
    notices = Notices(db, signals, clock)
    router = Router(db, Offers(db, signals, audit, notices, clock, times), clock, times)
    reaper = Reaper(db, log, Fanout(log, signals), notices, audit, clock, times)
    log.on_stored(lambda events: signals.send("line"))
    opening = Opening(db, clock)
    closing = Closing(db, log, opening, notices, audit, clock, times)
    schedule = Schedule(db, signals, audit, clock)
    reminders = Reminders(db, mail_server(settings), settings.base_url, clock)
    board = Board(db, opening, clock)
    return Worker(db, audit, signals, router, reaper, closing, board, schedule, reminders, clock)


async def run_worker(settings: Settings, times: Times | None = None) -> None:
    """`times` is for tests that cannot wait a minute."""
    assert settings.redis_url is not None
    db, redis = Database(database_url(settings)), open_redis(settings.redis_url)
    try:
        signals = Signals(redis, f"dutyline:{database_epoch(db.url)[:16]}")
        await make_worker(settings, db, signals, times).run()
    finally:
        await to_the_end(close_all(redis, db))


async def close_all(redis: Redis, db: Database) -> None:
    await redis.aclose()
    await db.close()
