"""Links between articles, as they are to whoever reads: a word stands beside each that leads to something withdrawn.

The HTML of a version is stored once and says where its links lead; what is there changes. A link to what a reader may
not see is words without an address, the same as one to what does not exist. What was worked out is kept until something
is published or withdrawn.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from knowledge.index import Snapshot
from knowledge.reading import Card, PublishedArticle
from knowledge.words import AUDIENCE_WORDS, FOR_STAFF, Audience, Audiences, Language, Status

MOST_KEPT = 256

Find = Callable[[str, Audiences], Card | None]
"""The card of a slug, if these readers may see it."""

_LINK = re.compile(r'<a href="(/guidance/([a-z0-9-]+)(?:#[a-z0-9-]+)?)">(.*?)</a>', re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Words:
    withdrawn: str
    missing: str


_WORDS: Mapping[Language, _Words] = {
    Language.ENGLISH: _Words("(withdrawn)", "(not available)"),
    Language.WELSH: _Words("(tynnwyd yn ôl)", "(ddim ar gael)"),
}


def mark_links(html: str, find: Find, audiences: Audiences, language: Language) -> str:
    """The text with a word beside each link to an article that these readers cannot use."""
    words = _WORDS[language]

    def mark(link: re.Match[str]) -> str:
        address, slug, inner = link.groups()
        card = find(slug, audiences)
        if card is None:
            return f'<span class="link-gone">{inner} <span class="link-note">{words.missing}</span></span>'
        if card.status == Status.WITHDRAWN:
            return f'<a href="{address}">{inner} <span class="link-note">{words.withdrawn}</span></a>'
        return link.group()

    return _LINK.sub(mark, html)


def problems_with_links(html: str, find: Find, audience: Audience) -> Iterator[str]:
    """What an editor should know of the links in a text for this audience, one sentence each."""
    for slug in dict.fromkeys(slug for _, slug, _ in _LINK.findall(html)):
        card = find(slug, FOR_STAFF)
        if card is None:
            yield (
                f"The link to /guidance/{slug} leads nowhere: no article is published there. "
                "Readers see its words and “(not available)”."
            )
        elif card.status == Status.WITHDRAWN:
            yield f"“{card.title}” was withdrawn. Readers see “(withdrawn)” beside the link."
        elif _is_narrower(card.audience, audience):
            yield (
                f"“{card.title}” is not for all who may read this article ({AUDIENCE_WORDS[card.audience]}). "
                "Others see “(not available)” in place of the link."
            )


def _is_narrower(target: Audience, source: Audience) -> bool:
    order = list(Audience)
    return order.index(target) > order.index(source)


class LinkedTexts:
    """Texts with their links marked, kept while the index stays what it was."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._snapshot: Snapshot | None = None
        self._kept: OrderedDict[tuple[int, int, Audiences], Markup] = OrderedDict()

    def of(self, article: PublishedArticle, audiences: Audiences, snapshot: Snapshot) -> Markup:
        if snapshot.counter < 0:
            # The index is not there yet; nothing is known of any link.
            return Markup(article.html)  # noqa: S704  # Rendered and cleaned when it was saved.
        if snapshot is not self._snapshot:
            self._snapshot = snapshot
            self._kept.clear()
        key = (article.article_id, article.version, audiences)
        marked = self._kept.get(key)
        if marked is None:
            marked = Markup(mark_links(article.html, self._find, audiences, article.language))  # noqa: S704  # As above.
            self._kept[key] = marked
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return marked
