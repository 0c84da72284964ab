"""What is scheduled is published by the worker that leads, and another process finds it at once."""

import asyncio
from datetime import timedelta
from pathlib import Path

from app.worker import make_worker
from chat.identifiers import mask_all
from core.clock import LONDON, utc_now
from core.crypto import make_key_file, new_master_key
from core.ending import end_all
from core.people import SignedIn
from core.settings import read_settings
from core.signals import Signals, open_redis
from knowledge.library import Library
from knowledge.search_notes import SearchNotes
from knowledge.tables import article_step
from knowledge.words import FOR_ANYONE
from tests.knowledge.house import House, a_text
from tests.waiting import until


async def test_of_two_workers_the_leader_publishes(house: House, nia: SignedIn, redis_url: str, tmp_path: Path) -> None:
    # Scheduled the day before yesterday for an hour later, while no worker ran: due since long when one starts.
    house.clock.now = utc_now() - timedelta(days=2)
    moment = (house.clock() + timedelta(hours=1)).astimezone(LONDON)
    await house.draft("clares-law", a_text(title="Zanzibar"))
    form = {"version": "1", "when": "later", "day": f"{moment:%Y-%m-%d}", "time": f"{moment:%H:%M}"}
    assert (await house.signed_in(nia).post("/editor/clares-law/publish", form)).status_code == 303
    settings = read_settings({"DATA_DIR": str(tmp_path), "REDIS_URL": redis_url}, demo=True)
    make_key_file(settings.master_keys_file, new_master_key() + "\n")
    make_key_file(settings.secret_key_file, "of-this-test-alone" * 4 + "\n")
    redis = [open_redis(redis_url) for _ in range(3)]
    signals = [Signals(one, "test") for one in redis]
    notes = SearchNotes(house.db, signals[2], house.keyring, house.signer, mask_all, house.clock)
    library = Library(house.db, signals[2], notes, house.clock)
    works = [make_worker(settings, house.db, one).run() for one in signals[:2]]
    tasks = [asyncio.create_task(one) for one in (*works, signals[2].run(), library.run())]
    try:
        await until(lambda: library.card("clares-law", FOR_ANYONE), 10, "another process to find it")
        assert await house.count(article_step, article_step.c.kind == "published") == 1
    finally:
        await end_all(tasks)
        for one in redis:
            await one.aclose()
    assert (await house.stranger().get("/guidance/clares-law")).status_code == 200
