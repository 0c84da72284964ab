"""`python -m bench.seed_line`: puts a line, and advisors who are on duty, into the database of a service that is measured.

Prints one line of JSON: the tokens of the visitors in the order of the line, their references, and the tokens of the
advisors, who have a lease for as long as the run lasts. `--route` then lets the router itself hold the line out to them, with
everything taken back after each look, and adds how many offers it made and in which time.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import time
from datetime import timedelta

import msgspec
import uvloop
from sqlalchemy import delete, func, insert, select, update

from app.offline import command_settings, database_url
from bench.seed import Seeded, seed
from chat.keys import ConversationKeys
from chat.tables import conversation
from chat.words import Status
from core.audit import AuditLog
from core.clock import to_ms, utc_now
from core.crypto import KeyRing, Signer
from core.db import Database
from core.people import Role
from core.settings import Settings
from core.signals import Signals, open_redis
from staff.sessions import Sessions
from staff.tables import account, account_role
from triage.notices import Notices
from triage.offers import Offers
from triage.router import Router
from triage.tables import offer, presence_lease

NOBODY_HEARS = "redis://127.0.0.1:1"
ON_DUTY_FOR = timedelta(hours=6)


class SeededLine(msgspec.Struct):
    visitors: list[Seeded]
    advisors: list[str]
    offers: int = 0
    route_s: float = 0.0


async def seed_line(database: Database, settings: Settings, waiting: int, advisors: int, capacity: int) -> SeededLine:
    """Visitors a second apart from each other, the first in the line first; advisors who are all free."""
    keys = ConversationKeys(KeyRing.from_file(settings.master_keys_file))
    visitors = await seed(database, keys, waiting, 0)
    now = utc_now()
    tokens: list[str] = []
    async with database.write() as connection:
        for place, one in enumerate(visitors):
            since = now - timedelta(seconds=waiting - place)
            values = {"status": Status.WAITING, "waiting_since": since, "sort_key": to_ms(since), "claimed_at": None}
            await connection.execute(
                update(conversation).where(conversation.c.reference == one.reference).values(values)
            )
        sessions = Sessions(database, Signals(open_redis(NOBODY_HEARS), "bench"), "session")
        for number in range(advisors):
            account_id = secrets.token_hex(16)
            row = {"id": account_id, "email": f"{account_id}@bench.example", "name": f"Advisor {number}"}
            on_duty = {"created_at": now, "presence": "online", "capacity": capacity}
            await connection.execute(insert(account).values(row | on_duty))
            await connection.execute(insert(account_role).values(account_id=account_id, role=Role.ADVISOR))
            lease = {"account_id": account_id, "process": "bench", "until": now + ON_DUTY_FOR}
            await connection.execute(insert(presence_lease).values(lease))
            token, _ = await sessions.start(connection, account_id)
            tokens.append(token)
    return SeededLine(visitors, tokens)


async def route(database: Database, settings: Settings, looks: int) -> tuple[int, float]:
    """How many offers the router made in so many looks at the whole line, and in how many seconds."""
    signals, audit = (
        Signals(open_redis(NOBODY_HEARS), "bench"),
        AuditLog(Signer.from_file(settings.secret_key_file)),
    )
    router = Router(database, Offers(database, signals, audit, Notices(database, signals, utc_now), utc_now), utc_now)
    made, took = 0, 0.0
    for _ in range(looks):
        begun = time.perf_counter()
        await router.tick()
        took += time.perf_counter() - begun
        async with database.write() as connection:
            made += (await connection.execute(select(func.count()).select_from(offer))).scalar_one()
            await connection.execute(delete(offer))
    return made, took


async def _run(waiting: int, advisors: int, capacity: int, looks: int) -> SeededLine:
    settings = command_settings(os.environ)
    database = Database(database_url(settings))
    try:
        line = await seed_line(database, settings, waiting, advisors, capacity)
        if looks:
            line.offers, line.route_s = await route(database, settings, looks)
    finally:
        await database.close()
    return line


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.seed_line", description=__doc__)
    parser.add_argument("waiting", type=int)
    parser.add_argument("advisors", type=int)
    parser.add_argument("--capacity", type=int, default=10, help="conversations of each advisor (10)")
    parser.add_argument("--route", type=int, default=0, help="looks of the router at the whole line (0)")
    options = parser.parse_args()
    line = uvloop.run(_run(options.waiting, options.advisors, options.capacity, options.route))
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
