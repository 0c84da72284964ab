"""Cora's desk when what she did is answered late, twice or not at all: nothing is done twice, or goes to the wrong person."""

import json

import pytest
from playwright.async_api import Browser, Locator, Page, Response, WebSocketRoute, expect

from tests.browser.meeting import (
    CONNECTED,
    Meeting,
    ask,
    asks_on_leaving,
    expect_line,
    meeting,
    post,
    words_of_the_line,
)
from tests.browser.pages import hold_first, opened
from tests.browser.people import write
from tests.live import LiveService
from tests.waiting import until

pytestmark = pytest.mark.browser

HELD = "His number is 07700 900842."
DRAFT = "And begin with what he wants."
SAID = "What does he want from the order?"


def link_to(met: Meeting, reference: str) -> Locator:
    return met.cora.locator(f'.mine [data-reference="{reference}"] a')


async def test_a_button_that_is_pressed_twice_is_pressed_once(browser: Browser, lenient: LiveService) -> None:
    posted: list[str] = []
    async with meeting(lenient, browser) as met:
        await expect_line(met.cora, CONNECTED)
        met.cora.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
        arrived = met.cora.expect_response(lambda response: "/presence" in response.url)
        async with arrived:
            await met.cora.evaluate(
                "for (const _ of [1, 2]) document.querySelector('form[action$=\"/presence\"] button').click()"
            )
        assert [url for url in posted if url.endswith("/presence")] == [f"{lenient.url}/desk/presence"]
        await post(met.cora.context.request, "/desk", "/desk/presence", state="away", capacity="6")


async def test_half_a_note_is_there_on_coming_back(browser: Browser, lenient: LiveService) -> None:
    """In the conversation that it is about, and nowhere else; until it is added, leaving the page is asked about."""
    async with meeting(lenient, browser) as met, opened(browser, lenient.url, lenient.is_own) as bens:
        other = await ask(bens.request)
        await post(met.cora.context.request, "/desk", f"/desk/conversations/{other}/accept")
        try:
            await expect_line(met.cora, CONNECTED)
            note = met.cora.locator("#note")
            await note.fill(DRAFT)
            for reference, text in ((other, ""), (met.reference, DRAFT), (other, ""), (met.reference, DRAFT)):
                await link_to(met, reference).click()
                await expect(met.cora.locator(".composer__reference")).to_have_text(reference)
                await expect(note).to_have_value(text)
                assert await asks_on_leaving(met.cora)
            await met.cora.get_by_role("button", name="Add note").click()
            await expect(met.cora.locator(".notes__text")).to_have_text(DRAFT)
            await expect(note).to_have_value("")
            assert not await asks_on_leaving(met.cora)
        finally:
            await post(met.cora.context.request, "/desk", f"/desk/conversations/{other}/end")


async def test_a_note_that_is_stored_late_is_not_there_to_be_added_again(
    browser: Browser, lenient: LiveService
) -> None:
    """Cora has opened another conversation while it was on its way."""
    async with meeting(lenient, browser) as met, opened(browser, lenient.url, lenient.is_own) as bens:
        other = await ask(bens.request)
        await post(met.cora.context.request, "/desk", f"/desk/conversations/{other}/accept")
        try:
            await expect_line(met.cora, CONNECTED)
            held = await hold_first(met.cora, "**/notes")
            await met.cora.fill("#note", DRAFT)
            await met.cora.get_by_role("button", name="Add note").click()
            late = await held
            await link_to(met, other).click()
            await expect(met.cora.locator(".composer__reference")).to_have_text(other)
            async with met.cora.expect_response("**/notes"):
                await late.continue_()
            await link_to(met, met.reference).click()
            await expect(met.cora.locator(".composer__reference")).to_have_text(met.reference)
            await expect(met.cora.locator(".notes__text")).to_have_text([DRAFT])
            await expect(met.cora.locator("#note")).to_have_value("")
            assert not await asks_on_leaving(met.cora)
        finally:
            await post(met.cora.context.request, "/desk", f"/desk/conversations/{other}/end")


async def test_a_note_goes_as_a_form_once_the_line_is_closed_for_good(browser: Browser, lenient: LiveService) -> None:
    """Nobody is asked whether to leave the page that takes the note along."""
    async with meeting(lenient, browser) as met:
        await write_note_and_close(met.cora, 4103)
        asked: list[str] = []
        met.cora.on("dialog", lambda dialog: asked.append(dialog.type))
        await met.cora.get_by_role("button", name="Add note").click()
        await expect(met.cora.locator(".notes__text")).to_have_text([DRAFT])
        await expect_line(met.cora, CONNECTED)
        assert asked == []


async def test_a_note_that_would_be_refused_stays(browser: Browser, lenient: LiveService) -> None:
    """Cora is signed out; the form would lead to the sign-in, and the note be gone."""
    async with meeting(lenient, browser) as met:
        await write_note_and_close(met.cora, 4100)
        await met.cora.get_by_role("button", name="Add note").click()
        await expect(met.cora.get_by_text("Not sent. What you wrote is kept here").first).to_be_attached()
        await expect(met.cora.locator("#note")).to_have_value(DRAFT)
        assert await asks_on_leaving(met.cora)


async def write_note_and_close(page: Page, code: int) -> None:
    """Half a note is there when the connection is closed with this code."""
    sockets: list[WebSocketRoute] = []

    def route(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        socket.connect_to_server()

    await page.route_web_socket("**/desk/socket", route)
    await page.reload()
    await expect_line(page, CONNECTED)
    await page.locator("#note").press_sequentially(DRAFT)
    await sockets[-1].close(code=code)
    await expect(words_of_the_line(page)).not_to_have_text(CONNECTED)


async def test_an_answer_that_comes_late_takes_nobody_back(browser: Browser, lenient: LiveService) -> None:
    """She has opened another conversation meanwhile, and writes there."""
    async with meeting(lenient, browser) as met, opened(browser, lenient.url, lenient.is_own) as bens:
        other = await ask(bens.request)
        await post(met.cora.context.request, "/desk", f"/desk/conversations/{other}/accept")
        await expect_line(met.cora, CONNECTED)
        await expect(link_to(met, other)).to_be_visible()
        held = await hold_first(met.cora, "**/regrade")
        await met.cora.evaluate(
            """() => {
              const form = document.querySelector('form[action$="/regrade"]')
              form.querySelector('[name="reason"]').value = 'He has said when.'
              form.querySelector('[name="urgency"]').value = 'emergency'
              form.requestSubmit()
              window.sent = form
            }"""
        )

        async def is_on_its_way() -> bool:
            return bool(await met.cora.evaluate("window.sent.dataset.busy !== undefined"))

        async def is_taken_over() -> bool:
            return not await is_on_its_way()

        late = await held
        await link_to(met, other).click()
        await expect(met.cora).to_have_url(f"{lenient.url}/desk/conversations/{other}")
        await met.cora.fill("#text", DRAFT)
        assert await is_on_its_way()
        await late.continue_()
        await until(is_taken_over, what="the answer to be taken over")
        await expect(met.cora).to_have_url(f"{lenient.url}/desk/conversations/{other}")
        await expect(met.cora.locator("#text")).to_have_value(DRAFT)
        await post(bens.request, "/chat", "/chat/leave")


@pytest.mark.parametrize("field", ["#text", "#note"])
async def test_what_is_taken_opens_under_nobodys_hands(browser: Browser, lenient: LiveService, field: str) -> None:
    """Cora goes on writing to Ada, or about her, while the question that she takes is on its way."""
    async with meeting(lenient, browser) as met, opened(browser, lenient.url, lenient.is_own) as bens:
        await expect_line(met.cora, CONNECTED)
        left = await ask(bens.request)
        await expect(met.cora.locator('[data-slot="waiting-routine"]')).to_have_text("1")
        await post(bens.request, "/chat", "/chat/question")
        held = await hold_first(met.cora, f"**/{left}/accept")
        await met.cora.get_by_role("button", name=f"Take {left}").click()
        late = await held
        await met.cora.locator(field).press_sequentially("And begin with ")
        await late.continue_()
        await expect(link_to(met, left)).to_be_visible()
        await met.cora.keyboard.type("what he wants.")
        await expect(met.cora.locator(field)).to_have_value(DRAFT)
        await expect(met.cora).to_have_url(f"{lenient.url}{met.path}")
        await expect(met.cora.locator(".desk__message")).to_have_text(f"{left} is in your list.")
        await post(met.cora.context.request, "/desk", f"/desk/conversations/{left}/end")


async def test_a_conversation_that_comes_back_can_be_written_in(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser) as met:
        await expect_line(met.cora, CONNECTED)
        desk = met.cora.context.request
        await post(desk, "/desk", f"{met.path}/transfer", to="queue", note="I must go.")
        await expect(met.cora.locator('[data-slot="composer"]')).to_have_count(0)
        await post(desk, "/desk", f"{met.path}/accept")
        await expect(met.cora.locator('[data-slot="composer"]')).to_be_visible()
        await write(met.cora, SAID)
        await expect(met.ada.locator(".entry--other", has_text=SAID)).to_be_visible()


async def test_what_is_written_while_a_message_is_held_is_kept(browser: Browser, lenient: LiveService) -> None:
    """The server forgets every draft that is older than what was sent."""
    async with meeting(lenient, browser) as met:
        await expect_line(met.cora, CONNECTED)
        await write(met.cora, HELD)
        as_it_is = met.cora.get_by_role("button", name="Send as it is")
        await expect(as_it_is).to_be_visible()
        async with met.cora.expect_response(keeps_the_draft):
            await met.cora.fill("#text", DRAFT)
        async with met.cora.expect_response(keeps_the_draft):
            await as_it_is.click()
        await expect(met.ada.locator(".entry--other", has_text=HELD)).to_be_visible()
        await met.cora.reload()
        await expect(met.cora.locator("#text")).to_have_value(DRAFT)


def keeps_the_draft(response: Response) -> bool:
    """And not what was written before it."""
    said = response.request.post_data_json if response.url.endswith("/draft") else None
    return response.status == 204 and said == {"text": DRAFT}


async def test_what_the_page_brings_as_stored_is_not_on_its_way(browser: Browser, lenient: LiveService) -> None:
    """Its answer was lost, and she went to another conversation and came back."""
    async with meeting(lenient, browser) as met, opened(browser, lenient.url, lenient.is_own) as bens:
        other = await ask(bens.request)
        await post(met.cora.context.request, "/desk", f"/desk/conversations/{other}/accept")
        await without_answers(met.cora)
        own = await write(met.cora, SAID)
        await expect(met.ada.locator(".entry--other", has_text=SAID)).to_be_visible()
        await expect(own).to_have_attribute("data-state", "sending")
        await link_to(met, other).click()
        await expect(met.cora).to_have_url(f"{lenient.url}/desk/conversations/{other}")
        await link_to(met, met.reference).click()
        await expect(met.cora).to_have_url(f"{lenient.url}{met.path}")
        await expect(own).to_have_count(1)
        await expect(own).not_to_have_attribute("data-state", "sending")
        await post(bens.request, "/chat", "/chat/leave")


async def without_answers(page: Page) -> None:
    """From now on, its socket brings no answer to what it says, nor the event of it."""

    def route(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def pass_on(message: str | bytes) -> None:
            frame = json.loads(message)
            if frame["type"] != "ack" and not (frame["type"] == "event" and frame.get("text") == SAID):
                socket.send(message)

        server.on_message(pass_on)

    await page.route_web_socket("**/desk/socket", route)
    await page.reload()
    await expect_line(page, CONNECTED)


async def test_a_page_does_not_show_another_conversation_of_this_browser(
    browser: Browser, lenient: LiveService
) -> None:
    """Ada asks again in another tab: the first tab's words are not for the second conversation, nor the other way round."""
    async with meeting(lenient, browser) as met:
        sockets: list[WebSocketRoute] = []

        def route(socket: WebSocketRoute) -> None:
            sockets.append(socket)
            socket.connect_to_server()

        await met.ada.route_web_socket("**/chat/socket", route)
        await met.ada.reload()
        await expect_line(met.ada, CONNECTED)
        before = await met.ada.locator(".entry").count()
        await ask(met.ada.context.request)
        await met.ada.fill("#text", DRAFT)
        await sockets[-1].close(code=1012)
        await expect_line(met.ada, "You no longer have access to this.")
        assert await met.ada.locator(".entry").count() == before
        await expect(met.ada.locator("#text")).to_have_value(DRAFT)
        await post(met.ada.context.request, "/chat", "/chat/leave")
