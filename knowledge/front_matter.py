"""One article as a file: YAML between two lines of three hyphens, then Markdown. Reads what people write, and refuses the rest.

Nothing in a file can run, expand or surprise: no YAML tags, no aliases, no dates that turn into something else. What
the service does not know is kept and written out again.
"""

from dataclasses import dataclass
from typing import Any

import msgspec
import yaml

from knowledge.forms import article_form
from knowledge.versions import ArticleText
from knowledge.words import SLUG, Language

MOST_FILE_BYTES = 320 * 1024
"""Room for the longest article that the editor takes, each of its fields full and in letters of four bytes."""
MOST_FRONT_MATTER = 192 * 1024
MOST_MORE = 16 * 1024
MOST_DEPTH = 10

FIELDS = (
    *("title", "slug", "summary", "audience", "tags", "owner", "last_checked", "review_by", "sources", "asked"),
    *("language", "translation_of"),
)
_LISTS = ("tags", "sources", "asked")


class BadFile(Exception):  # It is the file that is bad; nothing in the program is an error.
    """A file that is not an article; the text says why, for the person who wrote it."""


class NotYaml(BadFile):
    """Its front matter is a slip and no attack: somebody forgot the quotes around a colon."""


@dataclass(frozen=True, slots=True)
class ArticleFile:
    slug: str
    text: ArticleText


def parse_file(content: bytes, stem: str) -> ArticleFile:
    """The article in a file. `stem` is the file's name without its ending. Raises BadFile."""
    if len(content) > MOST_FILE_BYTES:
        raise BadFile(f"The file is larger than {MOST_FILE_BYTES // 1024} KB. Split it into several articles.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise BadFile(f"The file is not UTF-8: byte {problem.start + 1:,} cannot be read. Save it as UTF-8.") from None
    if "\0" in text:
        raise BadFile("The file holds NUL characters. It is not a text.")
    front, markdown = _split(text.replace("\r\n", "\n"))
    known = read_yaml(front)
    more = {key: known.pop(key) for key in list(known) if key not in FIELDS}
    values = {name: field_text(name, value) for name, value in known.items()}
    if "slug" not in values and SLUG.fullmatch(stem):
        values["slug"] = stem
    return article_of({**values, "markdown": markdown}, more)


def article_of(values: dict[str, str], more: dict[str, Any]) -> ArticleFile:
    """The article that these fields make, by the rules of the editor's form. Raises BadFile."""
    form = article_form(values)
    if not form.validate():
        raise BadFile(" ".join(f"{name}: {problem}" for name, problem in form.problems().items()))
    return ArticleFile(form.slug.data, form.text(_to_json(more)))


def format_file(slug: str, text: ArticleText) -> str:
    """The same article as a file."""
    front: dict[str, Any] = {"title": text.title, "slug": slug}
    optional = {
        "summary": text.summary,
        "audience": str(text.audience),
        "tags": list(text.tags),
        "owner": text.owner,
        "last_checked": text.last_checked,
        "review_by": text.review_by,
        "sources": list(text.sources),
        "asked": list(text.asked),
        # English is what a file says that says nothing.
        "language": str(text.language) if text.language is not Language.ENGLISH else "",
        "translation_of": text.translation_of,
    }
    front |= {name: value for name, value in optional.items() if value}
    front |= msgspec.json.decode(text.more, type=dict[str, Any])
    written = yaml.dump(front, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=4096)
    return f"---\n{written}---\n\n{text.markdown}\n"


def _split(text: str) -> tuple[str, str]:
    first, newline, rest = text.partition("\n")
    if first.rstrip() != "---" or not newline:
        raise BadFile("The file does not begin with a line of three hyphens and its title, slug and audience.")
    lines = rest.split("\n")
    for number, line in enumerate(lines):
        if line.rstrip() == "---":
            return "\n".join(lines[:number]), "\n".join(lines[number + 1 :])
    raise BadFile("The front matter does not end: a second line of three hyphens is missing.")


def read_yaml(front: str) -> dict[str, Any]:
    if len(front.encode("utf-8", "replace")) > MOST_FRONT_MATTER:
        raise BadFile(f"The front matter is larger than {MOST_FRONT_MATTER // 1024} KB.")
    try:
        _check_events(front)
        loaded = yaml.load(front, Loader=_Loader)  # noqa: S506  # _Loader is the safe loader, with less in it.
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark
        where = f" in line {mark.line + 2}" if mark else ""
        raise NotYaml(f"The front matter is not valid YAML{where}.") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise NotYaml("The front matter is not valid YAML.") from None
    if not isinstance(loaded, dict):
        raise NotYaml("The front matter is not a list of names and values, such as title: Clare's Law.")
    if not all(isinstance(key, str) for key in loaded):
        raise NotYaml("The front matter has a name that is not a word. Put it in quotes.")
    return loaded


def _check_events(front: str) -> None:
    """Refuse what only serves to attack or to confuse, before anything is built from it."""
    depth = 0
    for event in yaml.parse(front, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise BadFile("The front matter uses YAML anchors. Write the value out each time.")
        tag = getattr(event, "tag", None)
        if tag:
            raise BadFile(
                "The front matter uses a YAML tag (an exclamation mark before a value). Put the value in quotes."
            )
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_DEPTH:
            raise BadFile("The front matter nests too deeply.")


def field_text(name: str, value: object) -> str:
    """A known field as the form would have posted it."""
    if value is None:
        return ""
    if name in _LISTS and isinstance(value, list) and all(isinstance(each, str | int) for each in value):
        separator = " " if name == "tags" else "\n"
        return separator.join(" ".join(str(each).splitlines()) for each in value)
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    raise BadFile(f"{name}: This is not a text{' or a list of texts' if name in _LISTS else ''}. Put it in quotes.")


def _to_json(more: dict[str, Any]) -> str:
    try:
        written = msgspec.json.encode(more)
        if len(written) > MOST_MORE:
            raise BadFile(f"The front matter holds more than {MOST_MORE // 1024} KB that is no part of an article.")
        # Once around, so that a value reads the same now and after the next import.
        return msgspec.json.encode(msgspec.json.decode(written)).decode()
    except (TypeError, ValueError, OverflowError, msgspec.MsgspecError):
        raise BadFile("The front matter holds a value that cannot be kept. Put it in quotes.") from None


class _Loader(yaml.CSafeLoader):
    """Dates stay as they were written: they are read by the same rules as the form's."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
