"""What other people's sites put at the head of their Markdown: YAML, TOML, JSON, lines of names and values, or nothing.

Nothing in it can run or expand, and YAML that is none is read line by line: a colon in a title is no reason to lose it.
"""

import codecs
import json
import re
import tomllib
from dataclasses import dataclass
from typing import Any

from knowledge.front_matter import MOST_DEPTH, MOST_MORE, BadFile, NotYaml, read_yaml

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NAMED_LINE = re.compile(r"([A-Za-z][A-Za-z0-9_-]{0,60})[ \t]*:[ \t]*(.*)")
_FIRST_NAMES = frozenset({"title", "date", "author", "authors", "summary", "description", "slug", "tags", "category"})


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """A file taken apart: names and values, the text below them, and what is to be said about it."""

    front: dict[str, Any]
    body: str
    remarks: tuple[str, ...]


def take_apart(content: bytes) -> ForeignFile:
    """Raises BadFile."""
    text, remarks = _decode(content)
    front, body, more = _split(text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\n"))
    if _is_deeper(front, MOST_DEPTH):
        raise BadFile("The front matter nests too deeply.")
    return ForeignFile(front, body.strip("\n"), (*remarks, *more))


def _decode(content: bytes) -> tuple[str, list[str]]:
    for mark, name in _MARKS:
        if content.startswith(mark):
            try:
                return content.decode(name), [] if name == "utf-8-sig" else [f"read as {name.upper()}"]
            except UnicodeDecodeError:
                raise BadFile(f"The file begins as {name.upper()} and does not go on so.") from None
    try:
        text, remarks = content.decode(), []
    except UnicodeDecodeError:
        # Each byte means something in this one; what was really meant is for somebody to look at.
        text, remarks = content.decode("cp1252", "replace"), ["not UTF-8, read as Windows-1252: check its letters"]
    if "\0" in text:
        raise BadFile("The file holds NUL characters. It is not a text.")
    return text, remarks


def _split(text: str) -> tuple[dict[str, Any], str, list[str]]:
    """Names and values, the text below them, and remarks."""
    first = text.partition("\n")[0].strip()
    named = _NAMED_LINE.fullmatch(first)
    if first == "---" and (parts := _between(text, ("---", "..."))):
        return _from_yaml(*parts)
    if first == "+++" and (parts := _between(text, ("+++",))):
        return _from_toml(parts[0]), parts[1], []
    if re.match(r"\{\s*(?:\"|$)", first):
        return _from_json(text)
    if named and named[1].lower() in _FIRST_NAMES:
        head, _, body = text.partition("\n\n")
        return _by_lines(head), body, []
    return {}, text, []


def _between(text: str, ends: tuple[str, ...]) -> tuple[str, str] | None:
    """What stands between the first line and the next that is one of `ends`; None when none is: it was only a rule."""
    lines = text.split("\n")
    for number, line in enumerate(lines[1:], 1):
        if line.rstrip() in ends:
            return "\n".join(lines[1:number]), "\n".join(lines[number + 1 :])
    return None


def _from_yaml(front: str, body: str) -> tuple[dict[str, Any], str, list[str]]:
    _check_size(front)
    if not front.strip():
        return {}, body, []
    try:
        return read_yaml(front), body, []
    except NotYaml:
        return _by_lines(front), body, ["front matter is not valid YAML, read line by line"]


def _from_toml(front: str) -> dict[str, Any]:
    _check_size(front)
    try:
        return tomllib.loads(front)
    except (tomllib.TOMLDecodeError, ValueError, RecursionError):
        raise BadFile("The front matter is not valid TOML.") from None


def _from_json(text: str) -> tuple[dict[str, Any], str, list[str]]:
    try:
        front, end = json.JSONDecoder().raw_decode(text[:MOST_MORE])
    except (ValueError, RecursionError):
        raise BadFile("The front matter is not valid JSON, or it is too long.") from None
    return front, text[end:], []


def _by_lines(front: str) -> dict[str, Any]:
    _check_size(front)
    found: dict[str, Any] = {}
    for line in front.split("\n"):
        named = _NAMED_LINE.fullmatch(line.rstrip())
        if named and named[2]:
            found.setdefault(named[1].lower(), named[2].strip("\"'"))
    return found


def _check_size(front: str) -> None:
    if len(front.encode("utf-8", "replace")) > MOST_MORE:
        raise BadFile(f"The front matter is larger than {MOST_MORE // 1024} KB.")


def _is_deeper(value: object, most: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return inner is not None and (most == 0 or any(_is_deeper(each, most - 1) for each in inner))
