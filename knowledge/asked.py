"""What a request for guidance asks for: which article, which version, what a list is narrowed to, and who it is that looks."""

import re
from dataclasses import dataclass

from starlette.requests import Request

from core.errors import NotFound
from knowledge.words import FOR_STAFF, MOST_SLUG, SLUG, TAG, Audience, Audiences, Language

MOST_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list or a search is narrowed to."""

    tag: str | None
    language: Language | None
    page: int


def slug_of(request: Request) -> str:
    """The article in the address. Raises NotFound for what can be no slug."""
    slug = str(request.path_params["slug"])
    if not SLUG.fullmatch(slug) or len(slug) > MOST_SLUG:
        raise NotFound
    return slug


def version_of(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise NotFound
    return int(text)


def chosen_audiences(request: Request, audiences: Audiences) -> Audiences:
    """Staff may narrow a list to what one audience reads; for everybody else it is all they may see."""
    only = request.query_params.get("audience")
    return frozenset({Audience(only)}) if audiences == FOR_STAFF and only in set(Audience) else audiences


def reader_behind(request: Request) -> str:
    """Who it is that searches, for a minute in memory only: an office behind one address has several browsers."""
    return f"{request.client.host if request.client else ''} {request.headers.get('user-agent', '')}"


def filter_of(request: Request) -> Filter:
    """Tags and languages that nobody made are not there; a page that is none is the first."""
    tag, language = request.query_params.get("tag") or None, request.query_params.get("language") or None
    if tag is not None and (not TAG.fullmatch(tag) or len(tag) > 32):
        raise NotFound
    if language is not None and language not in set(Language):
        raise NotFound
    text = request.query_params.get("page", "1")
    page = min(int(text), MOST_PAGE) if re.fullmatch(r"[1-9][0-9]{0,6}", text) else 1
    return Filter(tag, Language(language) if language else None, page)
