"""Claims while processes are killed and replies of COMMIT cut: one owner each, who knows it, and nobody above capacity."""

import asyncio
import random
from collections import defaultdict
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from chat.keys import ConversationKeys
from chat.log import Log
from chat.tables import conversation
from core.clock import utc_now
from core.crypto import KeyRing
from core.db import Database
from core.tables import audit
from staff.tables import account
from tests.faults import breakages
from tests.faults.cast import Browser, SignIn, ask, new_mark
from tests.faults.claimants import Claimant, Claimed, Word, check_claims
from tests.faults.nemesis import CALM_S
from tests.faults.play import Plan
from tests.faults.proxy import Way
from tests.faults.shapes import OnPostgres, on_postgres
from tests.faults.talk import Access
from tests.faults.workshop import Workshop

pytestmark = pytest.mark.faults

ADVISORS, CAPACITY, WAITING = 4, 3, 16


async def test_who_claims_at_once_while_processes_die(plan: Plan, short_folder: Path, workshop: Workshop) -> None:
    """Sixteen wait, four advisors hold three each and want all of them, from two screens each, at three processes."""
    rng = random.Random(plan.seed)
    async with on_postgres(short_folder, workshop) as shape:
        sign_ins = await shape.hire(ADVISORS)
        claimants = [await workshop.do(_sign_in, shape, sign_in, rng) for sign_in in sign_ins]
        doubts = 0
        for _ in range(3 if plan.is_long else 1):
            asked = [await workshop.do(ask, shape.service.url, "visitor", new_mark(rng)) for _ in range(WAITING)]
            references = [reference for role in asked for reference in role.marks]
            claiming = asyncio.gather(*(claimant.claim_all(references) for claimant in claimants))
            await _disturb(shape, workshop, claiming, rng)
            await claiming
            stored = await _read(shape.store.url, shape.store.master_keys_file)
            assert check_claims(claimants, stored) == [], f"seed {plan.seed}"
            held = [one.holder for one in stored.values() if one.holder is not None]
            assert len(held) == ADVISORS * CAPACITY
            assert any(Word.FULL in words for claimant in claimants for words in claimant.told.values())
            doubts = sum(claimant.doubts for claimant in claimants)
            print(f"seed {plan.seed}: {len(held)} of {WAITING} claimed by {ADVISORS}, {doubts} answers lost so far")
            for claimant in claimants:
                await claimant.end_all()


async def _disturb(
    shape: OnPostgres, workshop: Workshop, claiming: "asyncio.Future[list[None]]", rng: random.Random
) -> None:
    """Until all is claimed: cut replies, and kill one web process after the other."""
    web = [name for name in shape.service.parts if name.startswith("web")]
    shape.link.cut_at(Way.BACK, breakages.COMMIT_REPLY, times=6)
    while not claiming.done():
        name = rng.choice(web)
        await workshop.do(shape.service.kill, name)
        await _bring_back(shape, workshop, name)
        await asyncio.wait([claiming], timeout=rng.uniform(*CALM_S))


async def _bring_back(shape: OnPostgres, workshop: Workshop, name: str) -> None:
    """A start that meets one of the cuts refuses, and an operator's supervisor starts it again; any other fails the test."""
    while True:
        cuts_left = shape.link.cuts_left
        await workshop.do(shape.service.start, name)
        try:
            await workshop.do(shape.service.wait_ready, name)
        except AssertionError:
            if shape.link.cuts_left == cuts_left:
                raise
        else:
            return


def _sign_in(shape: OnPostgres, sign_in: SignIn, rng: random.Random) -> Claimant:
    service = shape.service
    with Browser(service.url) as advisor:
        advisor.post_form("/sign-in", "/sign-in", {"email": sign_in.email, "password": sign_in.password})
        advisor.post_form("/desk", "/desk/presence", {"state": "online", "capacity": CAPACITY})
        ports = [part.port for part in service.parts.values() if part.port is not None]
        access = Access(service.url, "/desk", advisor.cookie_header, advisor.token("/desk"), ports)
        return Claimant(sign_in.email, CAPACITY, access, random.Random(rng.random()))


async def _read(url: str, master_keys_file: Path) -> dict[str, Claimed]:
    """What is stored of those that are open; accounts by their e-mail, as the test knows them."""
    database = Database(url)
    log = Log(database, ConversationKeys(KeyRing.from_file(master_keys_file)), utc_now)
    try:
        async with database.read() as connection:
            emails = {row.id: row.email for row in await connection.execute(select(account.c.id, account.c.email))}
            rows = (await connection.execute(select(conversation).where(conversation.c.status != "ended"))).all()
            claims: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
            query = select(audit).where(audit.c.action == "claim").order_by(audit.c.id)
            for row in await connection.execute(query):
                claims[row.subject].append((msgspec.json.decode(row.data)["epoch"], emails[row.actor]))
        joined = {
            row.id: [emails[one.author.key] for one in await log.read(row.id) if one.kind == "joined"] for row in rows
        }
    finally:
        await database.close()
    return {
        row.reference: Claimed(
            emails.get(row.advisor_id), row.claim_epoch, claims[f"conversation:{row.reference}"], joined[row.id]
        )
        for row in rows
    }
