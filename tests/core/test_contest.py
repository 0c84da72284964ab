"""What may be begun again after the database took it back: all of it, and only when nothing of it is stored."""

from collections.abc import Awaitable, Callable

import httpx
import pytest
from sqlalchemy import func, insert, select, text
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from core.contest import DEADLOCK_DETECTED, MOST_TRIES, note_stored, refusal_of, until_uncontested
from core.db import Database
from core.doors import PUBLIC, Door
from core.errors import Refusal
from core.tables import setting
from tests.engines import PostgresServer


async def post(page: Callable[[Request], Awaitable[Response]]) -> httpx.Response:
    """A file, to a service of this one page."""
    door = Door("/", page, PUBLIC, ("POST",), needs_token=False, largest_file=1000)
    transport = httpx.ASGITransport(Starlette(routes=[door.route()]))
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        return await client.post("/", files={"file": b"a picture"}, headers={"Accept": "application/json"})


async def test_a_page_that_is_begun_again_gets_the_file_again() -> None:
    read: list[bytes] = []

    async def page(request: Request) -> Response:
        file = request.state.form["file"]
        assert isinstance(file, UploadFile)
        read.append(await file.read())
        if len(read) < MOST_TRIES:
            raise refusal_of(DEADLOCK_DETECTED)
        return PlainTextResponse("done")

    assert (await post(page)).text == "done"
    assert read == [b"a picture"] * MOST_TRIES


async def test_a_page_that_makes_an_answer_of_it_is_begun_again_as_well() -> None:
    begun: list[Request] = []

    async def page(request: Request) -> Response:
        begun.append(request)
        try:
            if len(begun) < MOST_TRIES:
                raise refusal_of(DEADLOCK_DETECTED)
        except Refusal as refusal:
            return PlainTextResponse(refusal.text, refusal.status)
        return PlainTextResponse("done")

    assert (await post(page)).text == "done"


async def test_work_within_work_does_not_forget_what_was_stored_before_it() -> None:
    begun: list[Request] = []

    async def inner() -> None:
        return

    async def page(request: Request) -> Response:
        begun.append(request)
        note_stored()
        await until_uncontested(inner)
        raise refusal_of(DEADLOCK_DETECTED)

    assert ((await post(page)).status_code, len(begun)) == (503, 1)


@pytest.mark.parametrize("sqlstate", ["57014", None])
async def test_what_failed_otherwise_is_told_at_once(sqlstate: str | None) -> None:
    begun: list[Request] = []

    async def page(request: Request) -> Response:
        begun.append(request)
        raise refusal_of(sqlstate)

    answer = await post(page)
    assert (answer.status_code, answer.json()["code"], len(begun)) == (503, "unavailable", 1)


async def test_a_page_that_has_stored_something_is_not_begun_again(database: Database) -> None:
    async def page(request: Request) -> Response:
        async with database.write() as connection:
            count = await connection.scalar(select(func.count()).select_from(setting))
            await connection.execute(insert(setting).values(name=f"try {count}", value=""))
        raise refusal_of(DEADLOCK_DETECTED)

    assert (await post(page)).status_code == 503
    async with database.read() as connection:
        tries = await connection.scalar(select(func.count()).where(setting.c.name.startswith("try ")))
    assert tries == 1


async def test_a_database_that_is_set_to_serialize_does_not_refuse_because_of_it(postgres: PostgresServer) -> None:
    url = postgres.create_database("strict")
    database = Database(url)
    try:
        async with database.write() as connection:
            await connection.execute(text("ALTER DATABASE strict SET default_transaction_isolation = serializable"))
    finally:
        await database.close()
    database = Database(url)
    try:
        async with database.write() as connection:
            assert await connection.scalar(text("SHOW transaction_isolation")) == "read committed"
    finally:
        await database.close()
        postgres.drop_database("strict")
