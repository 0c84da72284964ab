"""A disk that has no room left: whoever says something is told that it is not stored, and so is whoever asks the process."""

import random
import uuid
from pathlib import Path

import httpx
import pytest

from tests.faults.breakages import without_room
from tests.faults.cast import ask, new_mark
from tests.faults.shapes import on_sqlite
from tests.faults.talk import Access
from tests.faults.workshop import Workshop
from tests.waiting import until

pytestmark = pytest.mark.faults


async def test_a_full_disk_is_told_and_passes(short_folder: Path, workshop: Workshop) -> None:
    """By itself: what is said again when there is room is stored once."""
    async with on_sqlite(short_folder, workshop) as shape:
        service = shape.service
        ada = await workshop.do(ask, service.url, "Ada", new_mark(random.Random(0)))
        content = {"id": str(uuid.uuid4()), "text": "Are you there?"}
        async with Access(service.url, "/chat", ada.cookies, ada.token, ()).http() as http:

            async def say() -> tuple[int, dict[str, object]]:
                answer = await http.post(f"{service.url}/chat/messages", json=content)
                return answer.status_code, answer.json()

            async def is_ready() -> bool:
                return await workshop.do(service.readiness) == 200

            assert await is_ready()  # In the same second as below: what was written then must not do for what is not.
            with without_room(service.parts["run"].pid):
                assert not await is_ready()
                status, refusal = await say()
                assert (status, refusal["code"]) == (503, "unavailable")
                page = await http.post(f"{service.url}/chat/messages", data={"text": "My long message"})
                assert (page.status_code, "My long message" in page.text) == (503, True)
                assert await texts(http, service.url) == []

            await until(is_ready, what="the process to be ready again")
            assert [(await say())[1]["again"] for _ in range(2)] == [False, True]
            assert await texts(http, service.url) == [content["text"]]


async def texts(http: httpx.AsyncClient, url: str) -> list[str]:
    """What Ada has said after her question, as she is told."""
    frames = (await http.get(f"{url}/chat/poll?after=1&wait=0")).json()
    return [frame["text"] for frame in frames if frame["type"] == "event" and frame["kind"] == "message"]
