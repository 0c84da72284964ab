"""Results while the query is typed, in the guidance and at the desk; and the same page without scripts."""

import re

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.meeting import post
from tests.browser.pages import check_page
from tests.browser.people import answer_questions, go_online, join_line, look_away, sign_in, take_next
from tests.browser.stage import Stage
from tests.waiting import until

pytestmark = pytest.mark.browser


@pytest.fixture
def stage(sqlite_stage: Stage) -> Stage:
    """On one engine: what is looked at is the script."""
    return sqlite_stage


async def test_results_come_while_ben_types(stage: Stage) -> None:
    async with stage.visitor() as bens:
        ben = await bens.new_page()
        await ben.goto("/guidance")
        asked: list[str] = []
        ben.on("request", lambda request: asked.append(request.url) if "q=" in request.url else None)
        box = ben.get_by_role("searchbox", name="Search the guidance")
        await box.press_sequentially("strangul", delay=20)
        await expect(ben.locator(".results__title").first).to_have_text("Non-fatal strangulation and suffocation")
        await expect(ben.locator(".results mark").first).to_be_visible()
        await expect(
            ben.get_by_role("status").filter(has_text=re.compile(r"^\d+ articles? for “strangul”"))
        ).to_have_count(1)
        await expect(box).to_be_focused()
        assert len(asked) < len("strangul"), "not a question for each letter"
        await expect(ben).to_have_url(re.compile(r"/guidance\?q=strangul$"))
        await ben.get_by_label("Topic", exact=True).select_option("housing")
        await expect(ben.locator(".results__title").first).not_to_have_text("Non-fatal strangulation and suffocation")
        await check_page(ben)
        await box.fill("")
        await ben.get_by_label("Topic", exact=True).select_option("")
        await expect(ben.get_by_role("heading", name="All articles")).to_be_visible()


async def test_an_answer_that_is_out_of_date_is_not_shown(stage: Stage) -> None:
    async with stage.visitor() as bens:
        ben = await bens.new_page()
        held: list[Route] = []

        async def hold(route: Route) -> None:
            held.append(route)

        await ben.route(re.compile(r"q=dapo$"), hold)
        await ben.goto("/guidance")
        box = ben.get_by_role("searchbox", name="Search the guidance")
        async with ben.expect_request(re.compile(r"q=dapo$")):
            await box.fill("dapo")
        async with ben.expect_event("requestfailed"):
            await box.fill("clare")
        await expect(ben.locator(".results__title").first).to_have_text("Clare's Law")
        assert len(held) == 1


async def test_the_same_without_scripts(stage: Stage) -> None:
    async with stage.visitor(java_script_enabled=False) as bens:
        ben = await bens.new_page()
        await ben.goto("/guidance")
        await ben.get_by_role("searchbox", name="Search the guidance").fill("strangulaton")
        await ben.get_by_label("Topic", exact=True).select_option("recognising_risk")
        await ben.get_by_role("button", name="Search").click()
        await expect(ben.locator(".results__title").first).to_have_text("Non-fatal strangulation and suffocation")
        await expect(ben.locator(".results__count")).to_contain_text("Nothing was found for that spelling")


async def test_guidance_at_the_desk(stage: Stage) -> None:
    async with stage.visitor() as adas, stage.staff() as coras:
        ada, cora = await adas.new_page(), await coras.new_page()
        await answer_questions(ada, look_away)
        await join_line(ada)
        await sign_in(cora, "advisor@example.org", "/desk")
        await go_online(cora)
        await take_next(cora)
        await cora.locator("#text").press_sequentially("See @strangul", delay=20)
        options = cora.locator("#picker [role=option]")
        await expect(options.first).to_contain_text("Non-fatal strangulation")
        await expect(cora.get_by_text(re.compile(r"^\d+ to choose from$"))).to_be_attached()
        await cora.keyboard.press("Enter")
        await expect(cora.locator("#picker")).to_be_hidden()
        await expect(ada.get_by_text("Non-fatal strangulation").first).to_be_visible()
        await nothing_fits(cora)
        # Nobody is left in the line for whoever comes next.
        await post(adas.request, "/chat", "/chat/leave")


async def nothing_fits(cora: Page) -> None:
    form = cora.locator('[data-slot="nothing-fits"]')

    async def are_named() -> bool:
        """What is suggested may change at any time."""
        named: bool = await form.locator('[name="shown"]').evaluate(
            """input => input.value === Array.from(document.querySelectorAll('.suggestions [data-slug]'),
                                                  one => one.dataset.slug).join(' ')"""
        )
        return named

    await until(are_named, what="the suggestions that are shown")
    await form.get_by_role("button").click()
    await expect(form.get_by_role("status")).to_contain_text("Noted.")
