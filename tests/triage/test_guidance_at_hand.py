"""Guidance where people talk: how fresh it is, in words, wherever it is offered, and in the language of the conversation."""

from datetime import date

from core.people import SignedIn
from knowledge.words import Audience, Language
from tests.triage.house import ENQUIRY, House

DUE = "Check before use: review is due"
CURRENT = "Checked 2 November 2026"
TITLE = "Supervision sessions"


async def test_an_overdue_review_is_told_in_words_wherever_an_article_is_offered(house: House, cora: SignedIn) -> None:
    """On the article, in search, in the waiting room, and on the desk both as a suggestion and when searched for."""
    async with house.client() as ada, house.client(cora) as desk:
        await ada.post("/ask", ENQUIRY)
        held = await house.enquire()
        await house.claims.claim(held, cora)
        places = {
            "article": (ada, "/guidance/supervision"),
            "list": (ada, "/guidance"),
            "search": (ada, "/guidance?q=supervision"),
            "waiting room": (ada, "/chat"),
            "desk": (desk, f"/desk/conversations/{held}"),
            "search of the desk": (desk, f"/desk/conversations/{held}?q=supervision"),
        }
        for review_by, words, other in ((date(2027, 5, 2), CURRENT, DUE), (date(2026, 11, 23), DUE, CURRENT)):
            await house.write_article("supervision", TITLE, review_by=review_by)
            for place, (person, path) in places.items():
                page = (await person.get(path)).text
                offered = page.partition(TITLE)[2]
                # The page holds the words of every state for its script, below what it shows.
                assert words in offered.partition("<template")[0], place
                assert other not in offered.partition("<template")[0], place
        article = (await ada.get("/guidance/supervision")).text
        assert "It was last checked on 2 November 2026. The review was due on 23 November 2026." in article


async def a_pair(house: House) -> None:
    await house.write_article("supervision", TITLE)
    welsh = {"language": Language.WELSH, "translation_of": "supervision"}
    await house.write_article("goruchwylio", "Sesiynau goruchwylio", **welsh)


async def test_the_waiting_room_and_the_desk_offer_the_version_in_the_visitors_language(
    house: House, cora: SignedIn
) -> None:
    await a_pair(house)
    async with house.client() as ada, house.client() as ben, house.client(cora) as desk:
        await ada.post("/ask", ENQUIRY | {"language": "cy"})
        await ben.post("/ask", ENQUIRY)
        welsh, english = (await ada.get("/chat")).text, (await ben.get("/chat")).text
        assert '<span class="reader__title" lang="cy">Sesiynau goruchwylio</span>' in welsh
        assert TITLE not in welsh
        assert (TITLE in english, "goruchwylio" in english) == (True, False)
        references = [place.reference for place in (await house.queue.read()).places]
        for reference in references:
            await house.claims.claim(reference, cora)
        shown = [(await desk.get(f"/desk/conversations/{reference}")).text for reference in references]
        assert ['data-slug="goruchwylio"' in page for page in shown] == [True, False]
        assert ['data-slug="supervision"' in page for page in shown] == [False, True]
        # What was put aside in one language does not come back in the other.
        for reference, put_aside in zip(references, ("supervision", "goruchwylio"), strict=True):
            at = f"/desk/conversations/{reference}"
            await desk.post(f"{at}/dismiss", {"article": put_aside})
            page = (await desk.get(at)).text
            assert 'data-slug="supervision"' not in page
            assert 'data-slug="goruchwylio"' not in page


async def test_what_is_shared_is_read_out_in_its_language(house: House, cora: SignedIn) -> None:
    await a_pair(house)
    async with house.client() as ada, house.client(cora) as desk:
        await ada.post("/ask", ENQUIRY | {"language": "cy"})
        (place,) = (await house.queue.read()).places
        await house.claims.claim(place.reference, cora)
        at = f"/desk/conversations/{place.reference}"
        for slug in ("supervision", "goruchwylio"):
            await desk.post(f"{at}/share", {"article": slug})
        for page in ((await ada.get("/chat")).text, (await desk.get(at)).text):
            assert '<span data-slot="title" lang="cy">Sesiynau goruchwylio</span>' in page
            assert f'<span data-slot="title" lang="en">{TITLE}</span>' in page


async def test_a_version_that_the_visitor_may_not_see_is_not_offered(house: House) -> None:
    await house.write_article("supervision", TITLE)
    hidden = {"language": Language.WELSH, "translation_of": "supervision", "audience": Audience.ADVISORS}
    await house.write_article("goruchwylio", "Sesiynau goruchwylio", **hidden)
    async with house.client() as ada:
        await ada.post("/ask", ENQUIRY | {"language": "cy"})
        page = (await ada.get("/chat")).text
    assert (TITLE in page, "goruchwylio" in page) == (True, False)


async def test_a_text_in_the_waiting_room_says_where_its_links_do_not_lead(house: House) -> None:
    await house.write_article("supervision", TITLE, html='<p>See <a href="/guidance/for-staff">this</a>.</p>')
    await house.write_article("for-staff", "How we work", audience=Audience.ADVISORS)
    async with house.client() as ada:
        await ada.post("/ask", ENQUIRY)
        page = (await ada.get("/chat")).text
    assert 'See <span class="link-gone">this <span class="link-note">(not available)</span></span>.' in page
    assert "for-staff" not in page
