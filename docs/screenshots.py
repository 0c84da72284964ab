"""Makes the pictures of README.md: `.venv/bin/python -m docs.screenshots` writes them into docs/img.

It starts a demo of its own on a free port, and Ada, Ben and Cora play a few minutes of one afternoon in it, in the
machine's Chromium. Nobody in it is real, and nothing of it is left.
"""

import asyncio
import os
import re
import tempfile
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright, expect

from tests.chromium import find_chromium
from tests.live import DEMO_PASSWORD, LiveService

PICTURES = Path(__file__).parent / "img"
LARGEST_BYTES = 250_000
STORED = re.compile("sent|read")

Answers = dict[str, str | list[str]]

BEN: Answers = {
    "language": "en",
    "immediate_danger": "no",
    "sector": "mental_health",
    "area": "west-yorkshire",
    "topic": "victim_and_children_safety",
    "deadline": "today",
    "risk_flags": ["suicide_threats", "recent_separation"],
    "question": "He says he will end his life if she does not come back. How do I plan the discharge meeting?",
    "nickname": "Ben",
}
ADA: Answers = {
    "language": "en",
    "immediate_danger": "no",
    "sector": "probation",
    "area": "cleveland",
    "topic": "orders_and_disclosure",
    "deadline": "today",
    "risk_flags": ["stalking", "recent_separation"],
    "question": (
        "Someone I supervise turns up wherever his former partner goes, and he has started to see someone new. "
        "He is in my office at three. Can I do anything about the new partner without asking him?"
    ),
    "nickname": "Ada",
}
LATER: Answers = ADA | {
    "deadline": "none",
    "risk_flags": ["none"],
    "topic": "finding_a_programme",
    "question": "Which programmes take people without a conviction?",
    "nickname": "",
}

TALK = (
    ("Cora", "Hello Ada. I have read what you wrote. Does he know that you know where he turns up?"),
    ("Ada", "Yes. He says it is a small town. It is four times this month, twice outside her work."),
    (
        "Cora",
        "Four times, at places she has to be: write it down as a pattern, with dates, and not as single meetings.",
    ),
    ("Ada", "And the new partner? I do not think she knows anything about before."),
)
LAST_WORD = "You do not need his consent to ask the police. Here is how, in two steps."
NOTE = "Meets him at three. Offered to go through the request together at two."


async def ask(page: Page, answers: Answers) -> None:
    """Answer all questions on one page, as somebody without scripts would, and join the line."""
    await page.goto("/ask?all=1")
    for name in ("immediate_danger", "sector", "topic", "deadline", "risk_flags", "language"):
        chosen = answers[name]
        for value in [chosen] if isinstance(chosen, str) else chosen:
            await page.check(f'input[name="{name}"][value="{value}"]')
    await page.select_option('select[name="area"]', str(answers["area"]))
    for name in ("question", "nickname"):
        await page.fill(f'[name="{name}"]', str(answers[name]))
    await page.check('input[name="confirmed"]')
    await page.get_by_role("button", name="Join the line").click()
    await page.wait_for_url("**/chat")


async def sign_in(page: Page, email: str) -> None:
    await page.goto("/sign-in")
    await page.fill('input[name="email"]', email)
    await page.fill('input[name="password"]', DEMO_PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/desk")


async def say(page: Page, text: str) -> None:
    """Write it, send it, and wait until it is stored."""
    await page.fill("#text", text)
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.locator(".entry--own", has_text=text).last).to_have_attribute("data-state", STORED)


async def take_next(page: Page, nickname: str) -> None:
    await page.get_by_role("button", name="Take next").click()
    await expect(page.locator("#talk-title")).to_contain_text(nickname)


async def open_page(browser: Browser, url: str, width: int, height: int) -> Page:
    context = await browser.new_context(base_url=url, viewport={"width": width, "height": height}, locale="en-GB")
    return await context.new_page()


async def take(page: Page, name: str) -> None:
    await page.evaluate("document.fonts.ready")
    picture = PICTURES / f"{name}.png"
    await page.screenshot(path=picture, animations="disabled", caret="hide")
    size = picture.stat().st_size
    assert size < LARGEST_BYTES, f"{picture} has {size:,} bytes"
    print(f"{picture.relative_to(Path.cwd())}: {size:,} bytes")


async def play(browser: Browser, url: str) -> None:
    ben, ada, later = [await open_page(browser, url, 1280, 900) for _ in range(3)]
    cora = await open_page(browser, url, 1440, 900)
    await ask(ben, BEN)
    await ask(ada, ADA)
    await expect(ada.locator('[data-slot="place"]')).to_contain_text("2nd")
    await take(ada, "waiting-room")
    await ada.locator(".reader__summary").first.click()
    await ask(later, LATER)

    await sign_in(cora, "advisor@example.org")
    await cora.get_by_role("button", name="Online").click()
    await take_next(cora, "Ben")
    await say(cora, "Hello Ben. Before anything else: is he on the ward today, and is she somewhere safe?")
    await take_next(cora, "Ada")
    await expect(ada.locator(".chat__title")).to_contain_text("Cora")
    for speaker, text in TALK:
        await say({"Cora": cora, "Ada": ada}[speaker], text)
    await ben.wait_for_selector(".chat__title")
    await say(ben, "On the ward until four. She is at her sister's.")
    await cora.fill("#note", NOTE)
    await cora.locator('form[action$="/notes"] button').click()
    await expect(cora.locator(".notes__text")).to_contain_text(NOTE)
    await cora.locator(".suggestion", has_text="Clare").get_by_role("button", name="Share").click()
    await expect(ada.locator(".share__title")).to_be_visible()
    await say(cora, LAST_WORD)
    await expect(cora.locator(".entry--own", has_text=LAST_WORD)).to_have_attribute("data-state", "read")
    await cora.locator("#context").evaluate("column => column.scrollTo(0, 0)")
    await take(cora, "desk")


async def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="dl-") as folder, LiveService(Path(folder)) as service:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=find_chromium(), args=arguments)
            await play(browser, service.url)
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
