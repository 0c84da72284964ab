"""The Markdown of other people's sites: a title and a summary from it, and its links turned to where the articles are here.

Pure, and linear in the length of the text, whatever it holds.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from knowledge.markdown import is_safe_link

MOST_SUMMARY_WORDS = 300
MOST_LINE = 2_000
MOST_HEADING = 400

Resolve = Callable[[str], str | None]
"""Where a link of this file leads among our articles; None when it does not."""

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}=+[ \t]*$")
_HTML_HEADING = re.compile(r"<h1\b[^<>]{0,300}>(.{1,500}?)</h1>", re.IGNORECASE | re.DOTALL)
_HTML = re.compile(r"</?[A-Za-z][A-Za-z0-9-]{0,40}(?:\s[^<>]{0,500})?/?>")
_TEMPLATE = re.compile(r"\{%|\{\{|^(?:import|export) .{1,200} from ", re.MULTILINE)
_LINK = re.compile(r"(\]\(\s?)(<[^<>\n]{1,500}>|[^\s()<>]{1,500})(?=[\s)])")
_DEFINITION = re.compile(r"^( {0,3}\[[^\]\n]{1,200}\]:[ \t]{1,8})(<[^<>\n]{1,500}>|\S{1,500})", re.MULTILINE)
_PICTURE = re.compile(r"(?i)\.(?:png|jpe?g|gif|svg|webp|avif|ico|bmp)$")
_NOT_PROSE = re.compile(
    r"\s{0,3}(?:#|[-*+]\s|\d{1,4}[.)]\s|\||<|!\[|\[!\[|\[[^\]\n]{1,200}\]:|:::|\{[%{<]|[-*_=]{3,}\s*$)"
)
_WORDS_OF_A_LINK = re.compile(r"!?\[([^\[\]\n]{0,300})\](?:\([^()\n]{0,500}\)|\[[^\[\]\n]{0,200}\])?")
_MARKS = re.compile(r"\*{1,3}|~~|`{1,3}|(?<!\w)_{1,3}|_{1,3}(?!\w)|\\(?=[^\w\s])")


@dataclass(frozen=True, slots=True)
class ForeignText:
    """A text made fit for us, and what is to be said about it."""

    markdown: str
    remarks: tuple[str, ...]


def title_and_rest(text: str) -> tuple[str, str]:
    """The first heading as words, and the text without it where it stands at the top: our pages show the title there."""
    position, before = 0, ""
    for is_code, part in _parts(text):
        lines = part.splitlines(keepends=True)
        for number, line in enumerate(lines if not is_code else ()):
            heading = _HEADING.match(line.rstrip("\n")[:MOST_HEADING])
            following = lines[number + 1] if number + 1 < len(lines) else ""
            underlined = line.strip() and not before.strip() and _UNDERLINE.match(following.rstrip("\n"))
            words = plain(heading[2] or "") if heading else plain(line[:MOST_HEADING]) if underlined else ""
            if words:
                is_title = not text[:position].strip() and (underlined or (heading is not None and heading[1] == "#"))
                end = position + len(line) + (len(following) if underlined else 0)
                return words, text[end:] if is_title else text
            position += len(line)
            before = line
        if is_code:
            position += len(part)
    in_html = _HTML_HEADING.search(text)
    return (plain(in_html[1]) if in_html else ""), text


def first_paragraph(text: str) -> str:
    """The words of the first paragraph, or of the first quotation, up to the length of a summary."""
    for is_code, part in _parts(text):
        for block in re.split(r"\n[ \t]*\n", part) if not is_code else ():
            lines = [line.lstrip(" >") for line in block.strip("\n").split("\n")]
            prose = " ".join(takewhile(lambda line: not _NOT_PROSE.match(line), lines))
            words = plain(prose[: 4 * MOST_LINE])
            if words and not block.startswith(("    ", "\t")):
                return shortened(words, MOST_SUMMARY_WORDS)
    return ""


def shortened(words: str, most: int) -> str:
    """At most so many characters, cut between two words."""
    if len(words) <= most:
        return words
    return words[: most - 1].rsplit(" ", 1)[0].rstrip(" ,;:.-") + "…"


def plain(text: str) -> str:
    """A line of Markdown as words."""
    text = _HTML.sub("", _WORDS_OF_A_LINK.sub(r"\1", _WORDS_OF_A_LINK.sub(r"\1", text)))
    return " ".join(_MARKS.sub("", text).split())


def made_ours(text: str, resolve: Resolve) -> ForeignText:
    """Comments removed, links led to our articles; what readers will see otherwise than on the other site is remarked."""
    parts: list[str] = []
    lost = pictures = 0
    has_html = has_template = False

    def relink(link: re.Match[str]) -> str:
        nonlocal lost, pictures
        target = link[2].strip("<>")
        if _PICTURE.search(target.split("?")[0]):
            pictures += 1
            return link[0]
        ours = resolve(target)
        if ours is not None:
            return f"{link[1]}{ours}"
        lost += not is_safe_link(target)
        return link[0]

    for is_code, part in _parts(_without_comments(text)):
        if is_code:
            parts.append(part)
            continue
        has_html = has_html or bool(_HTML.search(part))
        has_template = has_template or bool(_TEMPLATE.search(part))
        parts.append(_DEFINITION.sub(relink, _LINK.sub(relink, part)))
    remarks = []
    if has_html:
        remarks.append("HTML is shown as text")
    if has_template:
        remarks.append("template commands are shown as text")
    if pictures:
        remarks.append(f"{pictures} {'picture is' if pictures == 1 else 'pictures are'} not taken")
    if lost:
        remarks.append(f"{lost} {'link leads' if lost == 1 else 'links lead'} nowhere here")
    return ForeignText("".join(parts), tuple(remarks))


def anchor_words(fragment: str) -> str:
    """The id of a heading here, from that of another site."""
    return "s-" + re.sub(r"[^a-z0-9]+", "-", ascii_words(fragment).lower()).strip("-")[:80]


def ascii_words(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def _without_comments(text: str) -> str:
    """Without what stands between <!-- and -->, outside of code: nobody was meant to read it."""
    kept: list[str] = []
    for is_code, part in _parts(text):
        start = 0
        while not is_code and (opened := part.find("<!--", start)) >= 0:
            closed = part.find("-->", opened)
            if closed < 0:
                break
            in_code = part[part.rfind("\n", 0, opened) + 1 : opened].count("`") % 2
            kept.append(part[start : closed + 3] if in_code else part[start:opened])
            start = closed + 3
        kept.append(part[start:])
    return "".join(kept)


def _parts(text: str) -> Iterator[tuple[bool, str]]:
    """The text in pieces: (True, …) for fenced code, (False, …) for all else."""
    kept: list[str] = []
    fence = ""
    for line in text.splitlines(keepends=True):
        found = _FENCE.match(line)
        if fence:
            kept.append(line)
            if found and found[1].startswith(fence) and not line.strip().strip(fence[0]):
                yield True, "".join(kept)
                kept, fence = [], ""
        elif found:
            yield False, "".join(kept)
            kept, fence = [line], found[1]
        else:
            kept.append(line)
    yield bool(fence), "".join(kept)
