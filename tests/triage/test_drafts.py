"""What an advisor has not sent yet: kept sealed, there when it comes back, gone once it is sent."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from chat.tables import conversation, draft, event
from core.people import SignedIn
from tests.triage.house import Browser, House
from tests.waiting import until

WORDS = "I would begin with the"
SAID_SO = "What seemed to identify a person was hidden in your draft when it was saved."


def path(reference: str, what: str = "") -> str:
    return f"/desk/conversations/{reference}{what}"


@pytest.fixture
async def held(house: House, cora: SignedIn) -> str:
    reference = await house.enquire()
    await house.claims.claim(reference, cora)
    return reference


async def give_to(house: House, person: SignedIn) -> None:
    async with house.db.write() as connection:
        moved = {"advisor_id": person.account_id, "claim_epoch": conversation.c.claim_epoch + 1}
        await connection.execute(update(conversation).values(**moved))


async def box(desk: Browser, reference: str) -> str:
    """What stands in the composer."""
    page = (await desk.get(path(reference))).text
    return page.partition("<textarea")[2].partition(">")[2].partition("</textarea>")[0].strip()


async def test_it_is_there_on_another_screen(house: House, cora: SignedIn, held: str) -> None:
    async with house.client(cora) as desk, house.client(cora) as other:
        for text in ("I would", WORDS):
            assert (await desk.post_json(path(held, "/draft"), {"text": text})).status_code == 204
        assert await box(other, held) == WORDS
        assert (await desk.post(path(held, "/draft"), {"text": ""})).status_code == 204
        assert await box(other, held) == ""
    assert await house.count(draft) == 0


async def test_once_it_is_sent_it_is_gone(house: House, cora: SignedIn, held: str) -> None:
    """From the page at once, from the database a moment later."""
    forgetting = asyncio.create_task(house.drafts.run())
    try:
        async with house.client(cora) as desk:
            await desk.post_json(path(held, "/draft"), {"text": WORDS})
            await desk.post_json(path(held, "/messages"), {"text": f"{WORDS} risk.", "id": str(uuid4())})
            assert await box(desk, held) == ""

        async def is_gone() -> bool:
            return await house.count(draft) == 0

        await until(is_gone, what="the draft to be forgotten")
    finally:
        forgetting.cancel()
        await asyncio.gather(forgetting, return_exceptions=True)


async def test_what_is_written_after_sending_is_a_new_one(house: House, cora: SignedIn, held: str) -> None:
    async with house.client(cora) as desk:
        await desk.post_json(path(held, "/messages"), {"text": "Hello", "id": str(uuid4())})
        house.clock.go_on(seconds=1)
        await desk.post_json(path(held, "/draft"), {"text": WORDS})
        await house.drafts._forget(house.drafts._sent)
        assert await box(desk, held) == WORDS


async def test_unsent_text_is_kept_when_the_conversation_is_lost(
    house: House, cora: SignedIn, dev: SignedIn, held: str
) -> None:
    """By a script and by a form, which shows it too; it is there when the conversation comes back, and only for her."""
    async with house.client(cora) as desk, house.client(dev) as other:
        await give_to(house, dev)
        refused = await desk.post_json(path(held, "/messages"), {"text": WORDS, "id": str(uuid4())})
        assert (refused.status_code, refused.json()["code"]) == (409, "assignment_lost")
        by_form = await desk.post(path(held, "/messages"), {"text": f"{WORDS} plan"})
        assert by_form.status_code == 409
        assert f"{WORDS} plan" in by_form.text
        assert await box(other, held) == ""
        await give_to(house, cora)
        assert await box(desk, held) == f"{WORDS} plan"
        await give_to(house, dev)
        assert (await desk.post_json(path(held, "/draft"), {"text": WORDS})).status_code == 204
        await give_to(house, cora)
        assert await box(desk, held) == WORDS
    assert await house.count(event) == 3


async def test_a_note_that_is_refused_stays_on_the_page(house: House, cora: SignedIn, dev: SignedIn, held: str) -> None:
    async with house.client(cora) as desk:
        long = "a long story " * 400
        page = await desk.post(path(held, "/notes"), {"text": long})
        assert page.status_code == 422
        assert long.strip() in page.text
        await give_to(house, dev)
        page = await desk.post(path(held, "/notes"), {"text": "Ask about sleep."})
        assert page.status_code == 409
        assert "Ask about sleep." in page.text
    assert await house.count(draft) == 0


@pytest.mark.parametrize("typed", ["@stalk", "@risk-indicators", "@ä"])
async def test_what_is_looked_up_in_the_list_is_no_profile(house: House, cora: SignedIn, held: str, typed: str) -> None:
    async with house.client(cora) as desk:
        await desk.post_json(path(held, "/draft"), {"text": f"{WORDS} {typed}"})
        assert await box(desk, held) == WORDS
        await desk.post_json(path(held, "/draft"), {"text": f"{WORDS} {typed} and more"})
        assert "and more" in await box(desk, held)
        await desk.post_json(path(held, "/draft"), {"text": "Write to ada@example.org"})
        assert await box(desk, held) == "Write to [e-mail or profile]"


async def test_what_names_a_person_is_masked_in_it(house: House, cora: SignedIn, held: str) -> None:
    """Nothing of the kind is stored before she has decided to send it."""
    async with house.client(cora) as desk:
        await desk.post_json(path(held, "/draft"), {"text": "Ring him on 07700 900123 and then"})
        assert await box(desk, held) == "Ring him on [phone number] and then"
        assert SAID_SO in (await desk.get(path(held))).text
        await desk.post_json(path(held, "/draft"), {"text": WORDS})
        assert SAID_SO not in (await desk.get(path(held))).text


async def test_a_colleagues_draft_is_theirs(house: House, cora: SignedIn, dev: SignedIn, held: str) -> None:
    async with house.client(cora) as desk, house.client(dev) as other:
        await desk.post_json(path(held, "/draft"), {"text": WORDS})
        assert (await other.post_json(path(held, "/draft"), {"text": "Mine"})).status_code == 404
        async with house.db.read() as connection:
            rows = (await connection.execute(select(draft.c.account_id))).scalars().all()
        assert rows == [cora.account_id]


async def test_two_tabs_at_once_keep_one(house: House, cora: SignedIn, held: str) -> None:
    async with house.client(cora) as desk:
        token = await desk.token()
        answers = await asyncio.gather(
            *(desk.post(path(held, "/draft"), {"text": f"{WORDS} {n}"}, token=token) for n in range(12))
        )
        assert {answer.status_code for answer in answers} == {204}
        assert (await box(desk, held)).startswith(WORDS)
    assert await house.count(draft) == 1


async def test_of_an_erased_conversation_nothing_is_kept(house: House, cora: SignedIn, held: str) -> None:
    async with house.client(cora) as desk:
        async with house.db.write() as connection:
            await connection.execute(update(conversation).values(wrapped_key=None))
        assert (await desk.post_json(path(held, "/draft"), {"text": WORDS})).status_code == 404
    assert await house.count(draft) == 0
