"""Fifty advisors in three processes go for the same people while the router offers them: one owner each, nobody too full."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from pathlib import Path

from sqlalchemy import select

from chat.tables import conversation
from core.audit import AuditLog
from core.people import Role
from core.tables import audit
from tests.triage.house import House
from triage.tables import offer

ROOT = Path(__file__).parents[2]
ADVISORS, CAPACITY, WAITING, PROCESSES = 50, 1, 60, 3
MOST_S = 120


async def test_fifty_advisors_in_three_processes(house: House) -> None:
    people = [await house.hire(f"Advisor {one}", Role.ADVISOR, capacity=CAPACITY) for one in range(ADVISORS)]
    references = [await house.enquire() for _ in range(WAITING)]
    told = {
        "url": house.db.url,
        "master_keys_file": str(house.settings.master_keys_file),
        "secret_key_file": str(house.settings.secret_key_file),
        "references": references,
    }
    async with asyncio.timeout(MOST_S):
        racers = [
            await start({**told, "people": [one.account_id for one in people[number::PROCESSES]]})
            for number in range(PROCESSES)
        ]
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write(b"\n")
        done = asyncio.gather(*(finish(racer) for racer in racers))
        while not done.done():
            await house.router.tick()
            await asyncio.wait([done], timeout=0.05)
        answers = [answer for some in await done for answer in some]
    won = Counter(reference for _, reference, code in answers if code == "mine")
    assert set(won.values()) == {1}, "two were told that it is theirs"
    async with house.db.read() as connection:
        rows = (await connection.execute(select(conversation))).all()
        open_offers = (await connection.execute(select(offer).where(offer.c.outcome == "open"))).all()
        claims = (await connection.execute(select(audit.c.subject).where(audit.c.action == "claim"))).scalars().all()
        assert await AuditLog(house.signer).first_bad_row(connection) is None
    held = Counter(row.advisor_id for row in rows if row.status == "active")
    assert set(held.values()) == {CAPACITY}, "everybody is full, and nobody more"
    assert {row.reference for row in rows if row.status == "active"} == set(won)
    assert {row.claim_epoch for row in rows if row.status == "active"} == {1}
    assert len(claims) == len(set(claims)) == len(won) == ADVISORS * CAPACITY
    mine = {(account_id, reference) for account_id, reference, code in answers if code == "mine"}
    assert mine == {(row.advisor_id, row.reference) for row in rows if row.status == "active"}
    assert len({one.conversation_id for one in open_offers}) == len({one.account_id for one in open_offers})
    await house.router.tick()
    assert await house.router.tick() == 0


async def start(told: dict[str, object]) -> Process:
    racer = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.triage.racers", stdin=PIPE, stdout=PIPE, cwd=ROOT, limit=2**22
    )
    assert racer.stdin is not None
    assert racer.stdout is not None
    racer.stdin.write(json.dumps(told).encode() + b"\n")
    assert await racer.stdout.readline() == b"ready\n"
    return racer


async def finish(racer: Process) -> list[tuple[str, str, str]]:
    answered, _ = await racer.communicate()
    assert racer.returncode == 0
    return [(account_id, reference, code) for account_id, reference, code in json.loads(answered)]
