"""English and Welsh: two articles that know each other, each in its own language on the page."""

from datetime import date
from pathlib import Path

import pytest

from core.people import SignedIn
from knowledge.folder import Outcome, export_folder
from knowledge.front_matter import parse_file
from knowledge.words import FOR_ANYONE, FOR_STAFF, Audience, Language
from tests.knowledge.house import House
from tests.knowledge.test_editor_pages import ARTICLE

WELSH = {"title": "Cyfraith Clare", "summary": "Gofynnwch i'r heddlu.", "language": Language.WELSH}


async def a_pair(house: House, **changes: object) -> None:
    await house.publish("clares-law", markdown="Ask the police. Now.")
    await house.publish("cyfraith-clare", **WELSH, translation_of="clares-law", markdown="Gofynnwch.", **changes)


async def test_each_says_where_the_other_is_and_what_language_it_is_in(house: House) -> None:
    await house.publish("clares-law", markdown="Ask the police.")
    stranger = house.stranger()
    alone = await stranger.get("/guidance/clares-law")
    assert 'Not available in Welsh. <span lang="cy">Ddim ar gael yn Gymraeg.</span>' in alone.text
    await a_pair(house)
    english = (await stranger.get("/guidance/clares-law")).text
    welsh = (await stranger.get("/guidance/cyfraith-clare")).text
    assert 'Also in Welsh: <a href="/guidance/cyfraith-clare" hreflang="cy" lang="cy">Ar gael yn Gymraeg</a>' in english
    assert '<link rel="alternate" hreflang="cy" href="/guidance/cyfraith-clare">' in english
    assert '<a href="/guidance/clares-law" hreflang="en" lang="en">Also in English</a>' in welsh
    assert '<div class="prose" lang="cy"><p>Gofynnwch.</p>' in welsh
    assert 'guide__title" lang="cy">Cyfraith Clare</h1>' in welsh
    assert '<html lang="en"' in welsh
    await house.withdraw("clares-law", "It changed.")
    assert "Withdrawn: do not use" in (await stranger.get("/guidance/cyfraith-clare")).text


async def test_lists_and_searches_can_be_of_one_language(house: House) -> None:
    await a_pair(house)
    await house.publish("other", title="Other police matters", tags=("zanzibar",))
    stranger = house.stranger()
    everything = (await stranger.get("/guidance")).text
    assert '<a href="/guidance/cyfraith-clare" lang="cy">Cyfraith Clare</a>' in everything
    assert '<span class="in-language" lang="cy">Cymraeg</span>' in everything
    welsh = (await stranger.get("/guidance?language=cy")).text
    assert ("cyfraith-clare" in welsh, "/guidance/other" in welsh) == (True, False)
    assert 'aria-current="true">Cymraeg</a>' in welsh
    english = (await stranger.get("/guidance?language=en")).text
    assert ("cyfraith-clare" in english, "/guidance/other" in english) == (False, True)
    for query, found in (("clare", "cyfraith-clare"), ("gofynnwch", "cyfraith-clare")):
        assert found in (await stranger.get(f"/guidance?q={query}&language=cy")).text
        assert found not in (await stranger.get(f"/guidance?q={query}&language=en")).text
    searched = await stranger.get("/guidance?q=police&language=cy")
    assert '<input type="hidden" name="language" value="cy">' in searched.text
    assert "/guidance/other" not in searched.text
    none = await stranger.get("/guidance?tag=zanzibar&language=cy")
    assert "There is no guidance in this language here yet." in none.text
    for wrong in ("fr", "CY", "%00"):
        assert (await stranger.get(f"/guidance?language={wrong}")).status_code == 404


async def test_a_pair_is_one_in_what_is_related_and_a_translation_hides_like_any_article(
    house: House, cora: SignedIn
) -> None:
    await a_pair(house, audience=Audience.ADVISORS)
    await house.publish("other", title="Other police law", markdown="Ask the police about the law.")
    stranger, advisor = house.stranger(), house.signed_in(cora)
    assert "Not available in Welsh." in (await stranger.get("/guidance/clares-law")).text
    assert "cyfraith" not in (await stranger.get("/guidance/clares-law")).text
    assert "Ar gael yn Gymraeg" in (await advisor.get("/guidance/clares-law")).text
    assert [card.slug for card in house.library.related("other", FOR_STAFF)] == ["clares-law"]
    assert [card.slug for card in house.library.related("cyfraith-clare", FOR_STAFF)] == ["other"]
    # The address of an original that a reader may not see is not in the source of its translation.
    await house.publish("clares-law", audience=Audience.ADVISORS)
    await house.publish("cyfraith-clare", **WELSH, translation_of="clares-law")
    assert "clares-law" not in (await stranger.get("/guidance/cyfraith-clare.md")).text
    assert "clares-law" not in (await stranger.get("/guidance/cyfraith-clare")).text
    assert "translation_of: clares-law" in (await advisor.get("/guidance/cyfraith-clare.md")).text


@pytest.mark.parametrize(
    ("language", "of"), [(Language.ENGLISH, "clares-law"), (Language.WELSH, "not-there"), (Language.WELSH, "circle")]
)
async def test_who_only_says_to_be_a_translation_is_none(house: House, language: Language, of: str) -> None:
    await house.publish("clares-law")
    await house.publish("circle", translation_of="claims")
    await house.publish("claims", language=language, translation_of=of)
    for slug in ("clares-law", "circle", "claims"):
        assert len(house.library.languages(slug, FOR_ANYONE)) <= 1
        page = await house.stranger().get(f"/guidance/{slug}")
        assert (page.status_code, "hreflang" in page.text) == (200, False)


async def test_a_text_that_was_checked_before_its_original_says_so(house: House) -> None:
    await a_pair(house, last_checked=date(2026, 9, 1))
    stranger = house.stranger()
    assert "The English text was checked after this one." in (await stranger.get("/guidance/cyfraith-clare")).text
    assert "was checked after this one" not in (await stranger.get("/guidance/clares-law")).text


async def test_both_fields_are_written_checked_and_go_through_files(
    house: House, eve: SignedIn, tmp_path: Path
) -> None:
    desk = house.signed_in(eve)
    form = {**ARTICLE, "slug": "cyfraith-clare", "language": "cy", "translation_of": "clares-law"}
    assert (await desk.post("/editor/new", form)).status_code == 303
    published = {"version": "1", "reason": "Nobody else reads Welsh here."}
    assert (await desk.post("/editor/cyfraith-clare/publish", published)).status_code == 303
    page = (await desk.get("/editor/cyfraith-clare")).text
    assert '<option value="cy" selected>' in page
    assert 'name="translation_of" type="text" value="clares-law"' in page
    for wrong, words in (({"language": "fr"}, "Choose the language"), ({"translation_of": "x y"}, "small letters")):
        answer = await desk.post("/editor/new", {**form, "slug": "another", **wrong})
        assert (answer.status_code, words in answer.text) == (422, True)
    itself = await desk.post("/editor/new", {**form, "slug": "another", "translation_of": "another"})
    assert (itself.status_code, "language of itself" in itself.text) == (422, True)
    await export_folder(house.db, tmp_path)
    written = (tmp_path / "cyfraith-clare.md").read_bytes()
    assert b"language: cy\ntranslation_of: clares-law\n" in written
    assert parse_file(written, "x").text.language is Language.WELSH
    report = await house.importer.import_folder(tmp_path, now=house.clock())
    assert report.count(Outcome.UNCHANGED) == 1
