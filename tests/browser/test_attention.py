"""An advisor who looks elsewhere hears and sees what comes, and can silence all of it; beside the desk they are still there."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browser.meeting import CONNECTED, Meeting, ask, expect_line, meeting, post, say, sign_in
from tests.browser.pages import check_narrow, check_page, opened
from tests.browser.people import KEEP_AUDIO, end_conversation, sound_has_begun
from tests.browser.stage import DESK_WINDOW
from tests.live import LiveService

pytestmark = pytest.mark.browser

# What the browser itself is asked for: its own classes do the work, and are listened to.
LISTEN = (
    KEEP_AUDIO
    + """
window.asked = { notes: 0, alerts: [] }
const start = OscillatorNode.prototype.start
OscillatorNode.prototype.start = function (...when) {
  window.asked.notes++
  return start.apply(this, when)
}
window.Notification = new Proxy(Notification, {
  construct(Alert, [title, options]) {
    window.asked.alerts.push(`${title}: ${options.body}`)
    return new Alert(title, options)
  }
})
Object.defineProperty(document, 'visibilityState', { get: () => (window.looksElsewhere ? 'hidden' : 'visible') })
"""
)
SECRET = "He has found out where she lives."


async def choose(page: Page, *, wanted: bool) -> None:
    """On the sheet of keys, sound and alerts."""
    await page.locator("h1").focus()
    await page.get_by_role("button", name="Keys, sound and alerts").click()
    for words in ("Play a sound when something new comes", "Show a desktop alert while"):
        await page.get_by_label(words).set_checked(wanted)
    if wanted:
        await sound_has_begun(page)
    await page.keyboard.press("Escape")


async def asked(page: Page) -> tuple[int, list[str]]:
    """How many notes, and which alerts, since the last time."""
    found = await page.evaluate("asked")
    await page.evaluate("asked.notes = 0, asked.alerts = []")
    return found["notes"], found["alerts"]


async def test_a_sound_and_an_alert_until_they_are_silenced(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser) as met:
        cora = met.cora
        await cora.context.grant_permissions(["notifications"])
        await cora.add_init_script(LISTEN)
        await post(cora.context.request, "/desk", "/desk/notices/seen")
        await cora.reload()
        await expect_line(cora, CONNECTED)
        for wanted, expected in ((False, (0, [])), (True, (2, ["Dutyline: A new message"])), (False, (0, []))):
            if wanted or expected == (0, []):
                await choose(cora, wanted=wanted)
            await asked(cora)
            await cora.evaluate("looksElsewhere = true")
            await say(met.ada.context, "/chat", "/chat/messages", SECRET)
            # The title counts in any case.
            await expect(cora).to_have_title(re.compile(r"^\([1-9]\) "))
            assert await asked(cora) == expected
            await cora.evaluate("looksElsewhere = false, document.dispatchEvent(new Event('visibilitychange'))")
            await expect(cora).to_have_title(re.compile(r"^[^(]"))


@pytest.mark.parametrize("minutes", [-3, 3])
async def test_an_offer_lasts_as_long_on_a_computer_whose_clock_is_wrong(
    browser: Browser, lenient: LiveService, minutes: int
) -> None:
    async with (
        opened(browser, lenient.url, lenient.is_own) as adas,
        opened(browser, lenient.url, lenient.is_own, viewport=DESK_WINDOW) as coras,
    ):
        await sign_in(coras.request)
        cora = await coras.new_page()
        await cora.clock.install(time=datetime.now(UTC) + timedelta(minutes=minutes))
        await cora.goto("/desk")
        await expect_line(cora, CONNECTED)
        await post(coras.request, "/desk", "/desk/presence", state="online")
        reference = await ask(adas.request)
        try:
            left = re.compile(r"(?<!\d)([1-9]|1\d|2[0-6]) seconds to answer")
            await expect(cora.locator(".offer")).to_contain_text(left)
            await cora.get_by_role("button", name="Accept").click()
            await expect(cora.locator(f'.mine [data-reference="{reference}"]')).to_be_visible()
        finally:
            await post(coras.request, "/desk", "/desk/presence", state="away")
            await post(adas.request, "/chat", "/chat/leave")


async def test_an_offer_calls_and_its_alert_names_nobody(browser: Browser, lenient: LiveService) -> None:
    async with (
        opened(browser, lenient.url, lenient.is_own) as adas,
        opened(browser, lenient.url, lenient.is_own, viewport=DESK_WINDOW, permissions=["notifications"]) as coras,
    ):
        await sign_in(coras.request)
        await post(coras.request, "/desk", "/desk/notices/seen")
        cora = await coras.new_page()
        await cora.add_init_script(LISTEN)
        await cora.goto("/desk")
        await expect_line(cora, CONNECTED)
        await choose(cora, wanted=True)
        await post(coras.request, "/desk", "/desk/presence", state="online")
        await asked(cora)
        await cora.evaluate("looksElsewhere = true")
        reference = await ask(adas.request)
        await expect(cora.locator(".offer")).to_be_visible()
        assert await asked(cora) == (2, ["Dutyline: Someone is waiting for you"])
        await expect(cora).to_have_title(re.compile(r"^\([1-9]\) "))
        await beside_the_desk(coras, reference)
        await expect(cora.locator(".offer")).to_have_count(0)
        await expect(cora).to_have_title(re.compile(r"^[^(]"))
        await post(coras.request, "/desk", "/desk/presence", state="away")
        await post(adas.request, "/chat", "/chat/leave")


async def beside_the_desk(coras: BrowserContext, reference: str) -> None:
    """The same offer, on a page that is not the desk."""
    page = await coras.new_page()
    await page.goto("/desk/replies")
    await expect(page.locator(".news")).to_contain_text("Someone is waiting for you.")
    await expect(page).to_have_title(re.compile(r"^\([1-9]\) "))
    await check_page(page)
    await post(coras.request, "/desk", f"/desk/conversations/{reference}/decline")
    await expect(page.locator(".news__link")).to_be_hidden()


async def test_whoever_wraps_up_is_told_of_the_other_conversation(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser) as met, opened(browser, lenient.url, lenient.is_own) as bens:
        second = await ask(bens.request)
        await post(met.cora.context.request, "/desk", f"/desk/conversations/{second}/accept")
        try:
            await end_conversation(met.cora)
            await met.cora.wait_for_url("**/wrap-up")
            await say(bens, "/chat", "/chat/messages", SECRET)
            await expect(met.cora.locator(".news")).to_contain_text("new message")
            await expect(met.cora.locator(".news")).not_to_contain_text(SECRET)
            async with met.cora.context.expect_page() as other:
                await met.cora.get_by_role("link", name="Open the desk").click()
            await expect((await other.value).locator(".mine__item")).to_contain_text(second)
        finally:
            await post(met.cora.context.request, "/desk", f"/desk/conversations/{second}/end")


async def test_without_scripts_a_frame_tells(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser) as met:
        await plain(met, browser, lenient)


async def plain(met: Meeting, browser: Browser, service: LiveService) -> None:
    cookies = await met.cora.context.cookies()
    async with opened(browser, service.url, service.is_own, java_script_enabled=False) as plainly:
        await plainly.add_cookies([{"name": one["name"], "value": one["value"], "url": service.url} for one in cookies])
        await met.cora.goto("about:blank")
        await say(met.ada.context, "/chat", "/chat/messages", SECRET)
        page = await plainly.new_page()
        await page.goto(met.path)
        signs = page.frame_locator(".signs-frame")
        # The question is new as well, unless her page has read it by then.
        await expect(signs.locator("body")).to_contain_text(re.compile(f"{met.reference}: [12] new"))
        await expect(signs.locator("body")).not_to_contain_text(SECRET)
        await expect(page.locator("#text")).to_be_visible()
        await check_narrow(page)
