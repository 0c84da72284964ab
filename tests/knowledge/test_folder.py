"""A folder in and out: all or nothing, one line a file, and never a surprise."""

import os
from pathlib import Path

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from sqlalchemy import select

from core.people import SignedIn
from knowledge.folder import Outcome, Report, export_folder
from knowledge.front_matter import FIELDS, BadFile, article_of, format_file, parse_file
from knowledge.tables import article, article_version
from knowledge.versions import read_version
from knowledge.words import Audience
from tests.knowledge.house import SAMPLES, House, a_text

GOOD = "---\ntitle: Clare's Law\nslug: clares-law\naudience: public\n---\n\nAsk the police.\n"

BAD = {
    "empty": b"",
    "no front matter": b"# A title\n",
    "front matter without end": b"---\ntitle: x\n",
    "not yaml": b"---\na: [\n---\nx",
    "a list": b"---\n- a\n---\nx",
    "a number as name": b"---\n1: a\n---\nx",
    "python tag": b"---\ntitle: !!python/object/apply:os.system ['true']\n---\nx",
    "own tag": b"---\n!foo\ntitle: x\n---\nx",
    "aliases": b"---\na: &a [x, x]\nb: [*a, *a]\n---\nx",
    "deep": b"---\na: " + b"[" * 4_000 + b"\n---\nx",
    "latin-1": "---\ntitle: Bon après-midi\n---\nx".encode("latin-1"),
    "utf-16": GOOD.encode("utf-16"),
    "nul": b"---\ntitle: x\0y\n---\nx",
    "surrogate": b'---\ntitle: "\\ud800"\naudience: public\n---\nx',
    "no title": b"---\naudience: public\n---\nx",
    "no audience": b"---\ntitle: x\n---\nx",
    "unknown audience": b"---\ntitle: x\naudience: everyone\n---\nx",
    "no text": b"---\ntitle: x\naudience: public\n---\n",
    "bad slug": b"---\ntitle: x\naudience: public\nslug: ../../etc\n---\nx",
    "reserved slug": b"---\ntitle: x\naudience: public\nslug: new\n---\nx",
    "bad date": b"---\ntitle: x\naudience: public\nlast_checked: 2026-02-31\n---\nx",
    "review before check": b"---\ntitle: x\naudience: public\nlast_checked: 2026-02-03\nreview_by: 2026-02-01\n---\nx",
    "a map as title": b"---\ntitle: {a: b}\naudience: public\n---\nx",
    "long title": b"---\ntitle: " + b"x" * 300 + b"\naudience: public\n---\nx",
    "large front matter": b"---\ntitle: x\naudience: public\nmore: " + b"x" * 20_000 + b"\n---\nx",
    "large text": b"---\ntitle: x\naudience: public\n---\n" + b"x" * 70_000,
    "larger still": b"---\ntitle: x\naudience: public\n---\n" + b"x" * 200_000,
}


async def import_from(house: House, folder: Path, *, publish: bool = True) -> Report:
    report = await house.importer.import_folder(folder, now=house.clock(), publish=publish)
    assert all("\n" not in line.words for line in report.lines)
    return report


def write(folder: Path, name: str, content: str | bytes) -> None:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "files"
    made.mkdir()
    return made


async def test_the_samples_are_imported_and_exporting_them_changes_nothing(house: House, folder: Path) -> None:
    first = await house.import_samples()
    assert first.ok
    assert first.count(Outcome.NEW) == len(list(SAMPLES.glob("*.md")))
    assert await export_folder(house.db, folder) == first.count(Outcome.NEW)
    again = await import_from(house, folder)
    assert again.count(Outcome.UNCHANGED) == first.count(Outcome.NEW)
    assert again.counter is None
    assert await house.count(article_version) == first.count(Outcome.NEW)


def test_a_file_written_out_reads_the_same() -> None:
    text = a_text(
        title='Yes: "no" # 1',
        summary="  é ß 🙂".strip(),
        tags=("a_b", "c-d"),
        sources=("true", "2026-01-01", "- x"),
        markdown="---\n\ntext\n\n---",
        more='{"status":"sample","n":1.5,"list":[1,{"a":null}],"day":"2026-01-01","yes":"yes"}',
    )
    assert parse_file(format_file("a-b", text).encode(), "other").text == text


lines_of_text = st.text(max_size=200)
values_kept = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(
    values=st.fixed_dictionaries(
        {"title": lines_of_text, "summary": lines_of_text, "owner": st.text(max_size=60), "markdown": st.text()}
        | {"sources": st.lists(lines_of_text, max_size=3).map("\n".join)}
        | {"tags": st.lists(st.sampled_from(["a_b", "null", "1", "no", "1e3", "2026-01-01"]), max_size=3).map(" ".join)}
    ),
    more=st.dictionaries(st.text(max_size=10).filter(lambda name: name not in FIELDS), values_kept, max_size=3),
)
def test_whatever_an_article_says_comes_back_from_its_file(values: dict[str, str], more: dict[str, object]) -> None:
    """A file that is written, read and written again is the same to the byte; nothing that is taken is lost in between."""
    try:
        article = article_of(values | {"slug": "x", "audience": "public"}, more)
    except BadFile:
        reject()
    written = format_file(article.slug, article.text)
    again = parse_file(written.encode(), "another")
    assert again == article
    assert format_file(again.slug, again.text) == written


@pytest.mark.parametrize("kind", BAD)
async def test_a_bad_file_is_one_line_of_report_and_nothing_is_imported(house: House, folder: Path, kind: str) -> None:
    write(folder, "good.md", GOOD)
    write(folder, "bad.md", BAD[kind])
    report = await import_from(house, folder)
    assert not report.ok
    assert [line.file for line in report.lines] == ["bad.md", "good.md"]
    assert [line.outcome for line in report.lines] == [Outcome.PROBLEM, Outcome.UNCHANGED]
    assert await house.count(article) == 0


async def test_the_slug_comes_from_the_name_when_there_is_none(house: House, folder: Path) -> None:
    write(folder, "clares-law.md", GOOD.replace("slug: clares-law\n", ""))
    assert (await import_from(house, folder)).ok
    assert await house.count_of("clares-law") == 1


async def test_windows_line_ends_and_a_byte_order_mark_are_read(house: House, folder: Path) -> None:
    write(folder, "a.md", b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert (await import_from(house, folder)).ok


async def test_two_files_of_one_slug_are_refused(house: House, folder: Path) -> None:
    write(folder, "a.md", GOOD)
    write(folder, "b.md", GOOD)
    report = await import_from(house, folder)
    assert [(line.file, line.outcome) for line in report.lines] == [("a.md", "unchanged"), ("b.md", "problem")]


async def test_links_out_of_the_folder_pipes_and_folders_are_refused(
    house: House, folder: Path, tmp_path: Path
) -> None:
    write(tmp_path, "secret.md", GOOD)
    (folder / "link.md").symlink_to(tmp_path / "secret.md")
    (folder / "loop.md").symlink_to(folder / "loop.md")
    os.mkfifo(folder / "pipe.md")
    (folder / "a.md").write_text(GOOD)
    (folder / "inside.md").symlink_to(folder / "pipe.md")
    report = await import_from(house, folder)
    assert {line.file for line in report.lines if line.outcome is Outcome.PROBLEM} == {
        "link.md",
        "loop.md",
        "pipe.md",
        "inside.md",
    }
    assert await house.count(article) == 0


async def test_a_folder_that_is_not_there_or_empty_is_said(house: House, folder: Path) -> None:
    for where in (folder, folder / "nowhere"):
        report = await import_from(house, where)
        assert [line.outcome for line in report.lines] == [Outcome.PROBLEM]


async def test_a_text_that_cannot_be_rendered_stops_the_import(house: House, folder: Path) -> None:
    write(folder, "a.md", GOOD)
    write(folder, "b.md", "---\ntitle: x\naudience: public\n---\n|" + "a|" * 300 + "\n|" + "-|" * 300 + "\n")
    report = await import_from(house, folder)
    assert [line.outcome for line in report.lines] == [Outcome.UNCHANGED, Outcome.PROBLEM]
    assert await house.count(article) == 0


async def test_what_is_not_known_is_kept(house: House, folder: Path, tmp_path: Path) -> None:
    write(folder, "a.md", GOOD.replace("---\n\n", "jurisdiction: Wales\nlist:\n  - 1\n  - a: 2026-01-01\n---\n\n"))
    await import_from(house, folder)
    await export_folder(house.db, tmp_path / "out")
    written = (tmp_path / "out" / "clares-law.md").read_text()
    assert "jurisdiction: Wales" in written
    assert (await import_from(house, tmp_path / "out")).count(Outcome.UNCHANGED) == 1


async def test_a_changed_file_is_a_new_version_and_published(house: House, folder: Path) -> None:
    write(folder, "a.md", GOOD)
    await import_from(house, folder)
    write(folder, "a.md", GOOD.replace("Ask the police", "Ask them"))
    report = await import_from(house, folder)
    assert (report.count(Outcome.CHANGED), report.counter) == (1, 2)
    async with house.db.read() as connection:
        row = (await connection.execute(select(article))).one()
        assert (row.published_version, row.draft_version, row.status) == (2, None, "published")
        assert "Ask them" in (await read_version(connection, "clares-law")).html


async def test_drafts_are_imported_and_published_without_another_version(house: House, folder: Path) -> None:
    write(folder, "a.md", GOOD)
    assert (await import_from(house, folder, publish=False)).counter is None
    assert (await import_from(house, folder)).counter == 1
    assert await house.count(article_version) == 1
    assert await house.count(article_version, article_version.c.published_at.is_not(None)) == 1


async def test_an_editors_draft_and_a_withdrawal_stand_against_an_import(
    house: House, folder: Path, eve: SignedIn
) -> None:
    await house.publish("clares-law")
    await house.draft("clares-law", a_text(title="Eve is at work"), eve.account_id)
    await house.publish("withdrawn-one")
    await house.withdraw("withdrawn-one", "Wrong.")
    write(folder, "a.md", GOOD)
    write(folder, "b.md", GOOD.replace("clares-law", "withdrawn-one"))
    report = await import_from(house, folder)
    assert [line.outcome for line in report.lines] == [Outcome.PROBLEM, Outcome.PROBLEM]
    assert await house.count(article_version) == 3


async def test_export_replaces_links_and_never_follows_them(house: House, folder: Path, tmp_path: Path) -> None:
    await house.publish("clares-law")
    write(tmp_path, "mine.txt", "mine")
    (folder / "clares-law.md").symlink_to(tmp_path / "mine.txt")
    await export_folder(house.db, folder)
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert not (folder / "clares-law.md").is_symlink()


async def test_an_audience_is_never_assumed() -> None:
    with pytest.raises(BadFile, match="audience"):
        parse_file(GOOD.replace("audience: public\n", "").encode(), "x")
    assert parse_file(GOOD.replace("public", "advisors").encode(), "x").text.audience is Audience.ADVISORS
