"""The Atom feed of what changed in the public guidance: what is new, what has a new version, what was withdrawn and why.

Each article is one entry whose id never changes; a change makes it newer. Only what everybody may read is in it,
whoever asks. RFC 4287.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree as Xml

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from knowledge.tables import article, article_version
from knowledge.words import Audience, Language, Status

MOST_ENTRIES = 50
ATOM = "http://www.w3.org/2005/Atom"
# What no XML document may hold, however it is escaped.
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
NEVER = datetime(2026, 1, 1, tzinfo=UTC)
"""A feed must say when it changed last, also one in which nothing is yet."""


@dataclass(frozen=True, slots=True)
class FeedEntry:
    slug: str
    title: str
    summary: str
    language: Language
    version: int
    changed_at: datetime
    withdrawn_reason: str | None

    @property
    def words(self) -> str:
        """What a reader is told happened."""
        if self.withdrawn_reason is not None:
            return f"Withdrawn: do not use. {self.withdrawn_reason}"
        first = "New." if self.version == 1 else f"Changed: version {self.version}."
        return f"{first} {self.summary}".rstrip()


async def read_changes(connection: AsyncConnection, limit: int = MOST_ENTRIES) -> list[FeedEntry]:
    """The public articles that changed last, the newest change first."""
    version = article_version.c
    changed_at = func.coalesce(article.c.withdrawn_at, version.published_at)
    query = (
        select(version.title, version.summary, version.language, version.version, version.published_at)
        .add_columns(article.c.slug, article.c.status, article.c.withdrawn_at, article.c.withdrawn_reason)
        .join(article, and_(article.c.id == version.article_id, article.c.published_version == version.version))
        .where(version.audience == Audience.PUBLIC)
        .order_by(changed_at.desc(), article.c.slug)
        .limit(limit)
    )
    return [
        FeedEntry(
            slug=row.slug,
            title=row.title,
            summary=row.summary,
            language=Language(row.language),
            version=row.version,
            changed_at=row.withdrawn_at or row.published_at,
            withdrawn_reason=(row.withdrawn_reason or "") if row.status == Status.WITHDRAWN else None,
        )
        for row in await connection.execute(query)
    ]


def write_feed(entries: Sequence[FeedEntry], base_url: str, service: str) -> bytes:
    """The feed as XML, with absolute addresses."""
    home = f"{base_url}/guidance"
    feed = Xml.Element("feed", {"xmlns": ATOM, "xml:lang": "en"})
    _add(feed, "id", _lasting_id(home))
    _add(feed, "title", f"Guidance: {service}")
    _add(feed, "subtitle", "What is new, changed or withdrawn in the public guidance.")
    _add(feed, "updated", _moment(max((entry.changed_at for entry in entries), default=NEVER)))
    _add(_add(feed, "author"), "name", service)
    _link(feed, "self", f"{home}/feed.atom", "application/atom+xml")
    _link(feed, "alternate", home, "text/html")
    for entry in entries:
        address = f"{home}/{entry.slug}"
        item = _add(feed, "entry")
        item.set("xml:lang", entry.language)
        is_withdrawn = entry.withdrawn_reason is not None
        _add(item, "id", _lasting_id(address))
        _add(item, "title", f"Withdrawn: {entry.title}" if is_withdrawn else entry.title)
        _add(item, "updated", _moment(entry.changed_at))
        _link(item, "alternate", address, "text/html")
        _add(item, "summary", entry.words)
    Xml.indent(feed)
    return bytes(Xml.tostring(feed, encoding="utf-8", xml_declaration=True)) + b"\n"


def _lasting_id(address: str) -> str:
    """The same for the same address for ever, whatever becomes of what is there."""
    return f"urn:uuid:{uuid5(NAMESPACE_URL, address)}"


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _add(parent: Xml.Element, name: str, text: str = "") -> Xml.Element:
    child = Xml.SubElement(parent, name)
    child.text = _NOT_IN_XML.sub("", text) or None
    return child


def _link(parent: Xml.Element, relation: str, address: str, kind: str) -> None:
    Xml.SubElement(parent, "link", {"rel": relation, "href": address, "type": kind})
