"""Markdown to HTML: what an editor may write, and nothing else.

Raw HTML is shown as text, pictures are those that editors sent here, links lead to https, mail, telephone or our own
guidance. What comes out of the parser is cleaned again against our own list of tags and attributes. Pure; it may be slow
on hostile text, so that the service only runs it in `knowledge.rendering`, which has a time limit.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from html import unescape
from typing import Any, ClassVar
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from mdit_py_plugins.container import container_plugin

from core.errors import Refusal
from knowledge.words import date_in_welsh, date_words

MOST_SOURCE_BYTES = 64 * 1024
MOST_OUTPUT_BYTES = 1024 * 1024
MOST_COLUMNS = 40

MOST_IMAGES = 50

OWN_LINK = re.compile(r"/guidance(?:/[a-z0-9-]+)?(?:#s-[a-z0-9-]+)?|#s-[a-z0-9-]+")
# The name of a picture is made from its content, its width and its height (knowledge.images).
IMAGE_NAME = re.compile(r"[0-9a-f]{32}-([1-9][0-9]{0,3})x([1-9][0-9]{0,3})\.webp")
IMAGES = "/guidance/images/"
_EXTERNAL = "noopener noreferrer"


class TooComplex(Refusal):
    code: ClassVar[str] = "too_complex"
    status: ClassVar[int] = 422
    message: ClassVar[str] = (
        "The text is too complex to show: it nests too deeply, or it holds a very large table. Simplify it and save again."
    )


class Undescribed(Refusal):
    code: ClassVar[str] = "undescribed"
    status: ClassVar[int] = 422
    message: ClassVar[str] = (
        "A picture has no description. Say what it shows between the square brackets, for those who cannot see it: "
        "![what it shows](/guidance/images/…)"
    )


class TooManyImages(Refusal):
    code: ClassVar[str] = "too_many_images"
    status: ClassVar[int] = 422
    message: ClassVar[str] = f"The text has more than {MOST_IMAGES} pictures. Split it into two articles."


REFUSALS: dict[str, type[Refusal]] = {one.code: one for one in (TooComplex, Undescribed, TooManyImages)}
"""What a rendering process may answer instead of HTML."""


@dataclass(frozen=True, slots=True)
class Heading:
    """One line of an article's contents."""

    level: int
    id: str
    text: str


def render_markdown(source: str) -> str:
    """HTML that is safe to show. Raises TooComplex when it grows beyond all measure."""
    html = _CLEANER.clean(_PARSER.render(source, {}))
    if len(html.encode()) > MOST_OUTPUT_BYTES:
        raise TooComplex
    return html


def contents(html: str) -> list[Heading]:
    """The headings of an article that was rendered here."""
    return [Heading(int(level), anchor, plain_text(inner)) for level, anchor, inner in _HEADING.findall(html)]


def plain_text(html: str) -> str:
    """The words of an article that was rendered here, without its tags."""
    return " ".join(unescape(_TAGS.sub(" ", _INLINE_TAGS.sub("", _IMAGE_TAGS.sub(r" \1 ", html)))).split())


def images_in(html: str) -> list[str]:
    """The names of the pictures in an article that was rendered here, each once."""
    return list(dict.fromkeys(_IMAGE_ADDRESSES.findall(html)))


_HEADING = re.compile(r'<h([234]) id="(s-[a-z0-9-]+)">(.*?)</h\1>', re.DOTALL)
_INLINE_TAGS = re.compile(r"</?(?:a|em|strong|s|code)(?: [^<>]*)?>")
_IMAGE_TAGS = re.compile(r'<img [^<>]*?alt="([^"<>]*)"[^<>]*>')
_IMAGE_ADDRESSES = re.compile(rf'<img [^<>]*?src="{IMAGES}([0-9a-fx.webp-]+)"')
_TAGS = re.compile(r"<[^<>]*>")


def is_safe_link(url: str) -> bool:
    """Whether a link may stand in an article."""
    if any(ord(character) <= 0x20 or ord(character) == 0x7F for character in url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.scheme == "https":
        return url.lower().startswith("https://") and bool(parts.hostname) and "@" not in parts.netloc
    if parts.scheme == "tel":
        return re.fullmatch(r"(?i)tel:\+?[0-9-]{3,20}", url) is not None
    if parts.scheme == "mailto":
        return re.fullmatch(r"(?i)mailto:[^@?\s]+@[^@?\s]+", url) is not None
    return OWN_LINK.fullmatch(url) is not None or is_image(url)


def is_image(url: str) -> bool:
    """Whether an address is that of a picture which an editor sent here."""
    return url.startswith(IMAGES) and IMAGE_NAME.fullmatch(url, len(IMAGES)) is not None


def _check_date(words: str) -> date | None:
    try:
        return date.fromisoformat(words.strip())
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class _Box:
    """One kind of `:::` block. Its heading is part of the text, so that nobody has to see a colour."""

    look: str
    title: Callable[[str], str]


def _draw(box: _Box) -> Callable[..., str]:
    role = "" if box.look == "steps" else ' role="note"'

    def draw(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[index]
        if token.nesting != 1:
            return "</div>\n"
        words = box.title(token.info.strip().partition(" ")[2])
        return (
            f'<div class="callout callout--{box.look}"{role}>\n<p class="callout__title"><strong>{words}</strong></p>\n'
        )

    return draw


def _check_title(words: str) -> str:
    day = _check_date(words)
    return f"Check before use: last checked {date_words(day)}" if day else "Check before use"


def _check_title_in_welsh(words: str) -> str:
    day = _check_date(words)
    return f"Gwiriwch cyn defnyddio: gwiriwyd ddiwethaf {date_in_welsh(day)}" if day else "Gwiriwch cyn defnyddio"


# Whoever writes in Welsh names them in Welsh, and so are their headings.
_BOXES = {
    "sample": _Box("sample", lambda _: "Sample text"),
    "check": _Box("check", _check_title),
    "warning": _Box("warning", lambda _: "Warning"),
    "steps": _Box("steps", lambda _: "Step by step"),
    "sampl": _Box("sample", lambda _: "Testun enghreifftiol"),
    "gwirio": _Box("check", _check_title_in_welsh),
    "rhybudd": _Box("warning", lambda _: "Rhybudd"),
    "camau": _Box("steps", lambda _: "Cam wrth gam"),
}


def _takes(name: str) -> Callable[..., bool]:
    def takes(params: str, *_: Any) -> bool:
        return params.strip().partition(" ")[0] == name

    return takes


class _Renderer(RendererHTML):
    """Links, tables and headings as our pages need them."""

    def link_open(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[index]
        if str(token.attrGet("href") or "").startswith("https:"):
            token.attrSet("rel", _EXTERNAL)
        opened = self.renderToken(tokens, index, options, env)
        # A link without words could be neither seen nor heard.
        return opened + _escape(str(token.attrGet("href"))) if tokens[index + 1].type == "link_close" else opened

    def image(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[index]
        address, words = str(token.attrGet("src")), _escape(_words(token))
        if not is_image(address):
            # A picture of another site would tell that site who reads; only its description is kept.
            return words
        if not words:
            raise Undescribed
        env["images"] = env.get("images", 0) + 1
        if env["images"] > MOST_IMAGES:
            raise TooManyImages
        size = IMAGE_NAME.fullmatch(address, len(IMAGES))
        assert size is not None
        return f'<img src="{address}" alt="{words}" width="{size[1]}" height="{size[2]}" loading="lazy">'

    def table_open(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        # A wide table scrolls by itself; the keyboard reaches it, and its name says what it is.
        label = _escape(str(tokens[index].meta.get("label", "Table")))
        return f'<div class="table-scroll" role="region" tabindex="0" aria-label="{label}">\n<table>\n'

    def table_close(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
        return "</table>\n</div>\n"


def _prepare(tokens: list[Token]) -> None:
    """Give headings their ids, tables their names and cells their scope."""
    used: set[str] = set()
    heading = ""
    for index, token in enumerate(tokens):
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(max(int(token.tag[1]), 2), 4)}"
        if token.type == "heading_open":
            heading = _words(tokens[index + 1])
            token.attrSet("id", _anchor(heading, used))
        elif token.type == "table_open":
            token.meta["label"] = f"Table: {heading}" if heading else "Table"
            _prepare_table(tokens, index)


def _prepare_table(tokens: list[Token], start: int) -> None:
    """Header cells get a scope. Under an empty corner, the first cell of each row names the row."""
    row = column = -1
    corner_is_empty = False
    for index in range(start, len(tokens)):
        token = tokens[index]
        if token.type == "table_close":
            return
        if token.type == "tr_open":
            row, column = row + 1, -1
        elif token.type in ("th_open", "td_open"):
            column += 1
            if column >= MOST_COLUMNS:
                raise TooComplex
            token.attrs.pop("style", None)
            empty = not tokens[index + 1].content.strip()
            corner_is_empty = corner_is_empty or (row, column, empty) == (0, 0, True)
            if token.type == "th_open" and empty:
                token.tag = tokens[index + 2].tag = "td"
            elif token.type == "th_open":
                token.attrSet("scope", "col")
            elif column == 0 and corner_is_empty and not empty:
                token.tag = tokens[index + 2].tag = "th"
                token.attrSet("scope", "row")


def _words(inline: Token) -> str:
    """What the reader hears of a line, of a picture in it what it shows."""
    return "".join(child.content for child in inline.children or () if child.type in ("text", "code_inline")).strip()


def _anchor(words: str, used: set[str]) -> str:
    """An id that no other part of the page can have: prefixed, in ASCII, counted when it comes again."""
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    stem = "s-" + (re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80].rstrip("-") or "section")
    anchor, count = stem, 1
    while anchor in used:
        count += 1
        anchor = f"{stem}-{count}"
    used.add(anchor)
    return anchor


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def _build_parser() -> MarkdownIt:
    options = {"html": False, "linkify": False, "typographer": False, "maxNesting": 20}
    parser = MarkdownIt("js-default", options, renderer_cls=_Renderer)
    parser.disable(["html_block", "html_inline"])
    parser.validateLink = is_safe_link  # type: ignore[method-assign]  # the library's documented way to set own rules
    for name, box in _BOXES.items():
        parser.use(container_plugin, name=name, validate=_takes(name), render=_draw(box))
    parser.core.ruler.push("prepare_article", lambda state: _prepare(state.tokens))
    return parser


def _relative(url: str) -> str | None:
    return url if OWN_LINK.fullmatch(url) or is_image(url) else None


_PARSER = _build_parser()
_CLEANER = nh3.Cleaner(
    tags={
        "p",
        "h2",
        "h3",
        "h4",
        "ul",
        "ol",
        "li",
        "blockquote",
        "pre",
        "code",
        "em",
        "strong",
        "s",
        "hr",
        "br",
        "a",
        "div",
        "img",
    }
    | {"table", "thead", "tbody", "tr", "th", "td"},
    clean_content_tags={"script", "style"},
    attributes={
        "*": set(),
        "a": {"href"},
        "div": {"aria-label"},
        "h2": {"id"},
        "h3": {"id"},
        "h4": {"id"},
        "img": {"src", "alt", "width", "height"},
        "ol": {"start"},
    },
    tag_attribute_values={
        "a": {"rel": {_EXTERNAL}},
        "img": {"loading": {"lazy"}},
        "div": {"role": {"note", "region"}, "tabindex": {"0"}},
        "th": {"scope": {"col", "row"}},
    },
    allowed_classes={
        "div": {"callout", "table-scroll", *(f"callout--{box.look}" for box in _BOXES.values())},
        "p": {"callout__title"},
    },
    url_schemes={"https", "mailto", "tel"},
    url_relative=_relative,
    link_rel=None,
    id_prefix="s-",
)
