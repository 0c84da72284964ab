"""The transcript as it is printed."""

import pytest
from playwright.async_api import Browser, expect

from tests.browser.meeting import meeting, post
from tests.live import LiveService

pytestmark = pytest.mark.browser


async def test_links_are_in_full_and_the_type_is_ours(browser: Browser, lenient: LiveService) -> None:
    async with meeting(lenient, browser) as met:
        await post(met.cora.context.request, "/desk", f"{met.path}/share", article="clares-law")
        await met.ada.goto("/chat/transcript")
        await met.ada.emulate_media(media="print")
        link = met.ada.locator(".record__text a").first
        await expect(link).to_be_visible()
        printed = await link.evaluate("link => getComputedStyle(link, '::after').content")
        assert f"({lenient.url}/guidance/clares-law" in printed
        for part in (met.ada.locator("h1"), met.ada.locator(".govuk-body").first, link):
            assert "Atkinson" in await part.evaluate("part => getComputedStyle(part).fontFamily")
