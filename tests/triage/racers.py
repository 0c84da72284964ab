"""One process of a race for the line: its advisors all claim at once, over a connection pool of its own.

Told on stdin who they are and what waits; tells on stdout what each was answered. Run by tests/triage/test_race.py.
"""

import asyncio
import json
import random
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chat.fanout import Fanout
from chat.keys import ConversationKeys
from chat.log import Log
from core.audit import AuditLog
from core.clock import utc_now
from core.crypto import KeyRing, Signer
from core.db import Database
from core.errors import Refusal, Unavailable
from core.people import Role, SignedIn
from core.signals import Signals, open_redis
from triage.claims import Claims
from triage.notices import Notices
from triage.offers import Offers

Answer = tuple[str, str, str]


async def race(told: dict[str, Any]) -> list[Answer]:
    db = Database(told["url"])
    signals = Signals(open_redis("redis://127.0.0.1:1"), "race")
    log = Log(db, ConversationKeys(KeyRing.from_file(Path(told["master_keys_file"]))), utc_now)
    audit = AuditLog(Signer.from_file(Path(told["secret_key_file"])))
    offers = Offers(db, signals, audit, Notices(db, signals, utc_now), utc_now)
    claims = Claims(db, log, Fanout(log, signals), audit, utc_now, offers)
    people = [
        SignedIn(one, one, frozenset({Role.ADVISOR}), one, datetime.max.replace(tzinfo=UTC)) for one in told["people"]
    ]
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        answers = await asyncio.gather(*(claim_until_full(claims, person, told["references"]) for person in people))
    finally:
        await db.close()
    return [answer for some in answers for answer in some]


async def claim_until_full(claims: Claims, person: SignedIn, references: list[str]) -> list[Answer]:
    """Everybody goes for the same, front first, now and then for whatever is next; a doubt is asked again."""
    answers: list[Answer] = []
    rng = random.Random(person.account_id)
    for reference in references:
        answer = "unavailable"
        while answer == "unavailable":
            answer = await claim(claims, person, None if rng.random() < 0.2 else reference, answers)
        if answer == "at_capacity":
            break
    return answers


async def claim(claims: Claims, person: SignedIn, reference: str | None, answers: list[Answer]) -> str:
    try:
        claimed = await (claims.claim(reference, person) if reference else claims.claim_next(person))
    except Unavailable:
        return "unavailable"
    except Refusal as refusal:
        answers.append((person.account_id, reference or "", refusal.code))
        return refusal.code
    if claimed is not None:
        answers.append((person.account_id, claimed.reference, "again" if claimed.again else "mine"))
    return "mine"


if __name__ == "__main__":
    print(json.dumps(asyncio.run(race(json.loads(sys.stdin.readline())))))
