"""What the templates of the guidance are given: values, and nothing that asks or stores."""

import re
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from knowledge.words import Freshness, Language


@dataclass(frozen=True, slots=True)
class Teaser:
    """An article in a list, as the templates show it."""

    slug: str
    title: str
    summary: str
    version: int
    checked_on: date | None
    freshness: Freshness
    language: Language
    excerpt: Markup | None = None


@dataclass(frozen=True, slots=True)
class ArticleView:
    slug: str
    title: str
    summary: str
    version: int
    checked_on: date | None
    review_on: date | None
    freshness: Freshness
    html: Markup
    audience_words: str
    withdrawn_reason: str | None
    is_current: bool
    is_shown: bool
    """False for a withdrawn article, until its reader asks for the text that was."""
    language: Language


@dataclass(frozen=True, slots=True)
class OtherLanguage:
    """The same article in the other language; without an address where there is none."""

    language: Language
    slug: str | None = None
    freshness: Freshness = Freshness.CURRENT
    is_newer: bool = False
    """Whether it was checked after this one, so that this one may say what is no longer so."""


@dataclass(frozen=True, slots=True)
class ContentsLine:
    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Source:
    title: str
    url: str | None


@dataclass(frozen=True, slots=True)
class TopicHeading:
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class Pager:
    """Where a list goes on; None where it does not."""

    number: int
    previous: int | None
    following: int | None


def source_of(line: str) -> Source:
    """A source may end in its address."""
    words, _, address = line.rpartition(" ")
    if re.fullmatch(r"https://[^\s<>\"']+", address or words):
        return Source(words.rstrip(" ,;:") or address, address)
    return Source(line, None)
