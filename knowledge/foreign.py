"""Articles from the Markdown of other people's sites: each file is taken, taken with remarks, or left out with its reason.

What such a file does not say is made from what it holds: the title from its first heading or its name, the summary from
its first paragraph, the address from its path. Who may read it is never taken from there: whoever imports says so.
Links between the files lead to the articles they become. The path is kept in the front matter, so that the next import
knows which article came from this file, and no other is ever written over.
"""

import hashlib
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from knowledge.folder import READING, FoundFile, Line, Outcome, Progress
from knowledge.foreign_matter import ForeignFile, take_apart
from knowledge.foreign_text import anchor_words, ascii_words, first_paragraph, made_ours, shortened, title_and_rest
from knowledge.front_matter import FIELDS, ArticleFile, BadFile, article_of, field_text, format_file, parse_file
from knowledge.tree import Reader, Refused, find_files, shown_name
from knowledge.words import MOST_SLUG, MOST_SUMMARY, MOST_TAGS, MOST_TITLE, RESERVED_SLUGS, SLUG, Audience

ENDINGS = (".md", ".markdown", ".mdown", ".mkd", ".mdx")
NOT_ENTERED = frozenset({"node_modules", "__pycache__"})
INDEXES = frozenset({"index", "_index", "readme"})
IMPORTED_FROM = "imported_from"
MOST_TAG = 32

_TITLES = ("title", "linktitle", "name")
_SUMMARIES = ("summary", "description", "excerpt", "abstract")
_TAGS = ("tags", "categories", "category", "keywords", "topics")
_PLAIN_FIELDS = tuple(name for name in FIELDS if name not in ("title", "slug", "summary", "audience", "tags"))
_YES = frozenset({"true", "yes", "on", "1"})


@dataclass(frozen=True, slots=True)
class Foreign:
    """That the files are another site's, and what whoever imports them decides for all."""

    audience: Audience
    takes_drafts: bool
    """What calls itself a draft may come in where an editor looks at it before readers do."""


@dataclass(frozen=True, slots=True)
class _Read:
    name: str
    path: PurePosixPath
    file: ForeignFile


def read_foreign(
    folder: Path, foreign: Foreign, progress: Progress | None = None
) -> tuple[list[FoundFile], list[Line]]:
    """Every article that can be made of the folder's files, and a line for each that is left out."""
    try:
        found = find_files(folder, ENDINGS, NOT_ENTERED)
    except BadFile as problem:
        return [], [Line(str(folder), Outcome.PROBLEM, str(problem))]
    refused, reads, reader = list(found.refused), [], Reader(folder)
    for done, path in enumerate(found.paths, 1):
        name = shown_name(path, folder)
        try:
            file = take_apart(reader.read(path))
            _check_wanted(file, foreign)
            reads.append(_Read(name, PurePosixPath(path.relative_to(folder)), file))
        except BadFile as problem:
            refused.append(Refused(name, str(problem)))
        if progress is not None:
            progress(READING, done, len(found.paths))
    files = _made(reads, foreign, refused)
    return files, [Line(each.name, Outcome.LEFT_OUT, each.why) for each in refused]


def _check_wanted(file: ForeignFile, foreign: Foreign) -> None:
    front = _small(file.front)
    is_draft = str(front.get("draft", "")).lower() in _YES or str(front.get("published", "")).lower() in ("false", "no")
    if is_draft and not foreign.takes_drafts:
        raise BadFile("It calls itself a draft. With --drafts it is taken, for an editor to publish.")
    if not file.body.strip():
        raise BadFile("There is no text below the front matter." if file.front else "The file is empty.")


def _made(reads: list[_Read], foreign: Foreign, refused: list[Refused]) -> list[FoundFile]:
    slugs = _slugs(reads)
    # Twice where there are links: which files become articles is known only after the first time.
    good: dict[str, str] = {}
    made: dict[PurePosixPath, FoundFile] = {}
    for read in reads:
        try:
            made[read.path] = _article(read, slugs[read.path], foreign, {})
            good |= {str(read.path): slugs[read.path]}
        except BadFile as problem:
            refused.append(Refused(read.name, str(problem)))
    for read in reads:
        if read.path in made and ("](" in read.file.body or "]:" in read.file.body):
            try:
                made[read.path] = _article(read, slugs[read.path], foreign, good)
            except BadFile as problem:
                del made[read.path]
                refused.append(Refused(read.name, str(problem)))
    return list(made.values())


def _article(read: _Read, slug: str, foreign: Foreign, known: Mapping[str, str]) -> FoundFile:
    front, remarks = _small(read.file.front), list(read.file.remarks)
    heading, rest = title_and_rest(read.file.body)
    title = _first_text(front, _TITLES)
    body = read.file.body if title and title != heading else rest
    if not title:
        title = heading or _name_words(read.path)
        remarks += [] if heading else ["title from the file's name"]
    if not body.strip():
        raise BadFile("There is no text below its heading.")
    summary = _first_text(front, _SUMMARIES)
    if len(title) > MOST_TITLE or len(summary) > MOST_SUMMARY:
        remarks.append("title or summary shortened")
    tags, dropped = _tags(front)
    if dropped:
        remarks.append(f"{dropped} {'tag is' if dropped == 1 else 'tags are'} not taken")
    made = made_ours(body, lambda link: _resolve(link, read.path, known))
    values = {
        **_plain_fields(front, remarks),
        "title": shortened(title, MOST_TITLE),
        "slug": slug,
        "summary": shortened(summary or first_paragraph(made.markdown), MOST_SUMMARY),
        "audience": str(foreign.audience),
        "tags": " ".join(tags),
        "markdown": made.markdown,
    }
    if slug != _wanted_slug(read.path):
        remarks.append("the address of its path is taken")
    more = {
        str(key): value for key, value in read.file.front.items() if str(key).lower() not in (*FIELDS, IMPORTED_FROM)
    }
    file = article_of(values, more | {IMPORTED_FROM: read.name})
    _check_round_trip(file)
    return FoundFile(read.name, file, (*remarks, *made.remarks))


def _check_round_trip(file: ArticleFile) -> None:
    """What could not be exported and read again is not taken in the first place."""
    if parse_file(format_file(file.slug, file.text).encode("utf-8", "replace"), file.slug) != file:
        raise BadFile("The front matter holds values that would not come out again as they went in.")


def _plain_fields(front: Mapping[str, Any], remarks: list[str]) -> dict[str, str]:
    """The fields that are ours already, where they hold what they should."""
    values: dict[str, str] = {}
    filler = {"title": "x", "slug": "x", "audience": str(Audience.ADVISORS), "markdown": "x"}
    for name in _PLAIN_FIELDS:
        if name not in front:
            continue
        try:
            value = field_text(name, front[name])
            article_of({**filler, **values, name: value}, {})
            values[name] = value
        except BadFile:
            remarks.append(f"{name} is not taken")
    return values


def _slugs(reads: list[_Read]) -> dict[PurePosixPath, str]:
    """An address for each path: of several that want the same, the first has it, and the others add to it what only
    depends on their own path, so that they keep it whatever files come or go beside them."""
    taken = set(RESERVED_SLUGS)
    slugs: dict[PurePosixPath, str] = {}
    for read in reads:
        slug = _wanted_slug(read.path)
        if slug in taken:
            slug = f"{slug[: MOST_SLUG - 9].rstrip('-')}-{_digest(read.path)}"
        taken.add(slug)
        slugs[read.path] = slug
    return slugs


def _wanted_slug(path: PurePosixPath) -> str:
    parts = [*path.parent.parts, *(() if _is_index(path) and path.parent.parts else (path.stem,))]
    words = "-".join(parts)
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_words(words).lower()).strip("-")
    if not slug or len(slug) > MOST_SLUG or not SLUG.fullmatch(slug):
        # A name in other letters, or a long one: what it says is lost, what it is is not.
        return f"{slug[: MOST_SLUG - 9].rstrip('-') or 'article'}-{_digest(path)}"
    return slug


def _digest(path: PurePosixPath) -> str:
    return hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()[:8]


def _is_index(path: PurePosixPath) -> bool:
    return path.stem.lower() in INDEXES


def _name_words(path: PurePosixPath) -> str:
    name = path.parent.name if _is_index(path) and path.parent.name else path.stem
    name = name.encode("utf-8", "replace").decode()
    words = " ".join(re.sub(r"^\d{4}-\d{2}-\d{2}-", "", name).replace("_", " ").replace("-", " ").split())
    return words[:1].upper() + words[1:] or "Untitled"


def _tags(front: Mapping[str, Any]) -> tuple[list[str], int]:
    """Tags by our rules, and how many could not be made so."""
    given = [tag for name in _TAGS for tag in _each(front.get(name))]
    tags = dict.fromkeys(re.sub(r"[^a-z0-9_]+", "-", ascii_words(tag).lower()).strip("-_") for tag in given)
    good = [tag for tag in tags if tag and len(tag) <= MOST_TAG and not re.search(r"[_-]{2}", tag)]
    kept = good[:MOST_TAGS]
    return kept, len(tags) - len(kept)


def _each(value: object) -> list[str]:
    if isinstance(value, str):
        return [each for each in (value.split(",") if "," in value else value.split()) if each.strip()]
    if isinstance(value, list):
        return [str(each) for each in value if isinstance(each, str | int) and not isinstance(each, bool)]
    return []


def _first_text(front: Mapping[str, Any], names: tuple[str, ...]) -> str:
    found = (str(value) for name in names if isinstance(value := front.get(name), str | int | float))
    return next((" ".join(each.split()) for each in found if each.strip()), "")


def _small(front: Mapping[str, Any]) -> dict[str, Any]:
    return {str(key).lower(): value for key, value in front.items()}


def _resolve(link: str, path: PurePosixPath, known: Mapping[str, str]) -> str | None:
    """Where a link of the file leads among the articles, as a link of ours."""
    target, _, fragment = link.partition("#")
    anchor = f"#{anchor_words(unquote(fragment))}" if fragment and anchor_words(unquote(fragment)) != "s-" else ""
    if not target:
        return anchor or None
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|//", target):
        return None
    target = unquote(target.partition("?")[0])
    where = target.lstrip("/") if target.startswith("/") else posixpath.join(str(path.parent), target)
    where = posixpath.normpath(where)
    stem = re.sub(r"\.(?:html?|mdx?|markdown|mdown|mkd)$", "", where)
    named = (where, *(f"{stem}{ending}" for ending in ENDINGS))
    inside = (f"{stem}/{index}{ending}" for index in ("index", "_index", "README", "readme") for ending in ENDINGS[:2])
    slug = next((known[each] for each in (*named, *inside) if each in known), None)
    return f"/guidance/{slug}{anchor}" if slug else None
