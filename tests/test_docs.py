"""The documents say what is there: settings, commands, links, frames and codes are those of the code."""

import ast
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from app.command_line import cli
from chat.frames import FRAMES
from chat.words import Kind
from core import errors
from core.settings import read_settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
DOORS = (ROOT / "app" / "main.py").read_text()
PROTOCOL = (ROOT / "docs" / "protocol.md").read_text()
OWN_PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
ARTICLES = sorted((ROOT / "guidance").glob("*.md"))

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


class Asked(dict[str, str]):
    """An environment with nothing in it, which remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def get(self, name: str, default: object = None) -> object:  # type: ignore[override]  # Mapping has two overloads
        self.names.add(name)
        return default


def section(title: str) -> str:
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(text: str) -> Iterator[list[str]]:
    """The cells of each row of the tables in a text, without their heads."""
    for line in text.splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def test_settings_table_is_what_is_read() -> None:
    environ = Asked()
    settings = read_settings(environ, demo=True)
    table = {name.strip("`"): default for name, default, _ in rows(section("Settings"))}
    assert set(table) == environ.names
    shown = {"HOST": settings.host, "PORT": settings.port, "WEB_CONCURRENCY": settings.web_concurrency}
    assert {name: table[name].strip("`") for name in shown} == {name: str(value) for name, value in shown.items()}
    assert table["DATA_DIR"].strip("`") == settings.data_dir.name


def test_five_words_of_make_are_named() -> None:
    makefile = (ROOT / "Makefile").read_text()
    described = set(re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE))
    assert len(described) == 5
    assert {name.strip("`").removeprefix("make ") for name, *_ in rows(section("Start it"))} == described


def commands_in(text: str) -> set[str]:
    """Every `dutyline …` that stands in code, up to what closes it."""
    blocks = [block for language, block in FENCE.findall(text) if language == "sh"]
    inline = re.findall(r"`([^`\n]+)`", FENCE.sub("", text))
    lines = [line for block in blocks for line in block.splitlines()] + inline
    return {found[1] for line in lines if (found := re.search(r"(?:^|bin/|\s)dutyline ([^|#>]+)", line))}


@pytest.mark.parametrize("page", OWN_PAGES, ids=lambda page: page.name)
def test_commands_exist(page: Path) -> None:
    for line in commands_in(page.read_text()):
        words = shlex.split(line)
        command = typer.main.get_command(cli)
        while isinstance(command, TyperGroup) and words:
            found = command.commands.get(words[0])
            assert found is not None, f"dutyline {line}: there is no {words[0]}"
            command, words = found, words[1:]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, f"dutyline {line}"


def heading_names(page: Path) -> set[str]:
    """The anchors that a forge makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", OWN_PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(FENCE.sub("", page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        to = (page.parent / path).resolve() if path else page
        assert to.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in heading_names(to), f"{page.name}: {target}"


@pytest.mark.parametrize("article", ARTICLES, ids=lambda article: article.stem)
def test_articles_link_to_articles(article: Path) -> None:
    known = {one.stem for one in ARTICLES}
    linked = set(re.findall(r"\]\(/guidance/([^)#\s]+)", article.read_text()))
    assert linked <= known


def test_links_to_the_tree_exist() -> None:
    """The map of the code names every folder of it."""
    tree = FENCE.search(section("Where things are"))
    assert tree is not None
    named = {line.split("/")[0] for line in tree[2].splitlines()}
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages <= named
    assert all((ROOT / name).is_dir() for name in named)


def frames_sent() -> set[str]:
    """What the code calls `frame(...)` with, or writes as a frame's type, in a document or a struct."""
    found: set[str] = set()
    for package in ("chat", "triage", "knowledge", "staff", "app"):
        for file in (ROOT / package).glob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                found |= set(_types_in(node))
    return found


def _types_in(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "frame":
        values: list[ast.expr | None] = [*node.args[:1]]
    elif isinstance(node, ast.Dict):
        pairs: Mapping[object, ast.expr] = {
            key.value: value for key, value in zip(node.keys, node.values, strict=True) if isinstance(key, ast.Constant)
        }
        values = [pairs.get("type")] if {"type", "t"} <= set(pairs) else []
    elif isinstance(node, ast.ClassDef) and any(isinstance(one, ast.AnnAssign) and _is_t(one) for one in node.body):
        values = [keyword.value for keyword in node.keywords if keyword.arg == "tag"]
    else:
        return
    for value in values:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value


def _is_t(field: ast.AnnAssign) -> bool:
    """Only what the server sends has its type in `t` as well."""
    return isinstance(field.target, ast.Name) and field.target.id == "t"


def test_frames_stand_in_the_protocol() -> None:
    described = {name for first, *_ in rows(PROTOCOL) for name in re.findall(r"`(\w+)`", first)}
    sent = frames_sent()
    assert {"welcome", "event", "ack", "reconnect"} <= sent
    assert (set(FRAMES) | sent) - described == set()


def routes_described() -> set[str]:
    """The addresses at the head of each row; a further one that is short stands for the last part of the one before."""
    found: set[str] = set()
    for first, *_ in rows(PROTOCOL):
        before = ""
        for one in re.findall(r"`(?:GET |POST )?(/[^`?]+)", first):
            tail = f"{before.rpartition('/')[0]}{one}", f"{before}{one}"
            found |= {one, *tail}
            before = one if one.count("/") > 1 else before
    return found


def test_routes_of_conversations_and_the_line_stand_in_the_protocol() -> None:
    watched = ("/chat", "/ask", "/resume", "/desk/", "/supervise", "/editor/")
    paths = {path for path in re.findall(r'"(/[^"]*)"', DOORS) if path.startswith(watched)}
    one, supervised = "/desk/conversations/{reference}", "/supervise/conversations/{reference}"
    paths |= {f"{one}{end}" for end in re.findall(r'f"\{one\}([^"]+)"', DOORS)}
    paths |= {f"{supervised}{end}" for end in re.findall(r'f"\{watched\}([^"]+)"', DOORS)}
    paths |= {f"/editor/{{slug}}{end}" for end in re.findall(r'f"\{article\}([^"]+)"', DOORS)}
    elsewhere = set(re.findall(r"`(?:GET |POST )?(/[^`?]+)`", PROTOCOL))
    named = {path.replace("{{", "{").replace("}}", "}") for path in paths}
    assert len(named) > 40
    assert named - routes_described() - elsewhere == set()


def test_kinds_and_codes_stand_in_the_protocol() -> None:
    named = set(re.findall(r"`(\w+)`", PROTOCOL))
    refusals = [refusal for refusal in errors.Refusal.__subclasses__() if refusal.__module__ == errors.__name__]
    assert {kind.value for kind in Kind} - named == set()
    assert {refusal.code for refusal in refusals} - named == set()


def test_every_test_that_security_names_is_there() -> None:
    """A pitfall whose test was renamed or lost would look avoided."""
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "security.md").read_text()))
    written = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert len(named) > 20
    assert {name for name in named if f"def {name}(" not in written} == set()
