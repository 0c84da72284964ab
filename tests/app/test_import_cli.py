"""Folders of Markdown through the command: ours all or nothing, other people's file by file, and no file brings it down."""

import os
import re
import sqlite3
import tarfile
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from knowledge.tree import MOST_FILES, MOST_FOLDERS_DEEP
from tests.app.command import Dutyline, Ended

GOOD = "---\ntitle: Clare's Law\nslug: clares-law\naudience: public\n---\n\nAsk the police.\n"
BILLION = "---\na: &a [x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 8)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

TAKEN: dict[str, tuple[bytes, str, str]] = {
    "jekyll/2019-03-05-a-post.md": (
        b"---\nlayout: post\ntitle: \"A post\"\ndate: 2019-03-05\ncategories: [Family Court]\npermalink: /x/\n---\nIt says.\n",
        "jekyll-2019-03-05-a-post",
        "",
    ),
    "hugo/_index.md": (b'+++\ntitle = "Hugo"\ndate = 2020-01-01\n[menu]\nx = 1\n+++\n[a](../no.md)\n', "hugo", "1 link"),
    "hugo/json.md": (b'{\n "title": "Json",\n "tags": ["a"]\n}\n\nText with <b>HTML</b>.\n', "hugo-json", "HTML is shown"),
    "plain.md": (b"# A *plain* heading\n\nIts first [paragraph](hugo/json.md#Who-is-told).\n", "plain", ""),
    "no heading at all.md": (b"Only words.\n", "no-heading-at-all", "title from the file's name"),
    "deep/er/README.md": (b"Setext\n======\n\nText.\n", "deep-er", ""),
    "latin.md": ("# Bon après-midi\n\nÇa va.\n".encode("latin-1"), "latin", "read as Windows-1252"),
    "utf-16.md": ("# Wide\n\nLetters ünd.\n".encode("utf-16"), "utf-16", "read as UTF-16"),
    "bom.md": (b"\xef\xbb\xbf---\r\ntitle: Bom\r\n---\r\nText.\r\n", "bom", ""),
    "colon.md": (b"---\ntitle: Orders: what they are\n---\nText.\n", "colon", "not valid YAML, read line by line"),
    "pelican.md": (b"Title: Pelican\nDate: 2010-12-03\n\nText.\n", "pelican", ""),
    "a b.md": (b"# One\n\nText.\n", "a-b", ""),
    "ünïcode 日本.MD": ("# 日本\n\nText.\n".encode(), "unicode", ""),
    "日本.md": ("# 日本\n\nText.\n".encode(), "article-", ""),
    "new.md": (b"# New\n\nText.\n", "new-", "the address of its path is taken"),
    "rule.md": (b"---\n\nA rule and no front matter.\n", "rule", "title from the file's name"),
    "dates.md": (b"---\ntitle: Dates\nlast_checked: soon\nowner: Eve\n---\nText.\n", "dates", "last_checked is not taken"),
    "comment.md": (b"# Comment\n\n<!-- secret -->Text\n\n```\n<!-- kept -->\n```\n", "comment", ""),
}  # fmt: skip
"""Content, the address it comes to, and what must be remarked."""

LEFT_OUT: dict[str, tuple[bytes, str]] = {
    "empty.md": (b"", "empty"),
    "only-front.md": (b"---\ntitle: x\n---\n", "no text"),
    "draft.md": (b"---\ntitle: x\ndraft: true\n---\nText.\n", "draft"),
    "picture.md": (b"\x89PNG\0\0\0", "not a text"),
    "tag.md": (b"---\ntitle: !!python/object/apply:os.system ['touch /tmp/x']\n---\nText.\n", "YAML tag"),
    "billion.md": (BILLION.encode() + b"---\nText.\n", "anchors"),
    "many.md": (b"---\nlist:\n" + b"- a\n" * 50_000 + b"---\nText.\n", "larger than"),
    "nested.md": (b"---\na: " + b"[" * 4_000 + b"]" * 4_000 + b"\n---\nText.\n", "nests too deeply"),
    "nested-json.md": (b'{"a": ' + b"[" * 4_000 + b"]" * 4_000 + b"}\nText.\n", "JSON"),
    "toml.md": (b"+++\ntitle = \n+++\nText.\n", "TOML"),
    "large.md": (b"x" * 10_000_000, "larger than"),
    "long.md": (b"# Long\n\n" + b"word " * 20_000, "64 KB"),
    "wide.md": (b"# Wide\n\n|" + b"a|" * 300 + b"\n|" + b"-|" * 300 + b"\n", "too complex"),
    "half-utf-16.md": (b"\xff\xfea", "UTF-16"),
}


def lay_out(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "files"
    made.mkdir()
    return made


def lines(ended: Ended) -> dict[str, str]:
    """The report, by file."""
    assert "Traceback" not in ended.stdout + ended.stderr
    assert ended.stderr == ""
    found = (re.fullmatch(r"([a-z ]{9})  (.+?)  (.*)", line) for line in ended.stdout.splitlines())
    return {line[2]: f"{line[1].strip()}: {line[3]}" for line in found if line}


def stored(tmp_path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(tmp_path / "data" / "dutyline.db")) as connection:
        return connection.execute(query).fetchall()


def add_what_is_no_file(folder: Path, outside: Path) -> dict[str, str]:
    """Links, pipes, devices, locked and endless things. Returns what is said of each."""
    (outside / "secret.md").write_text(GOOD)
    (folder / "out.md").symlink_to(outside / "secret.md")
    (folder / "gone.md").symlink_to(folder / "was-here.md")
    (folder / "loop.md").symlink_to(folder / "loop.md")
    (folder / "circle").symlink_to(folder)
    (folder / "zero.md").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.md")
    (folder / "folder.md").mkdir()
    (folder / "deep" / "/".join(["d"] * (MOST_FOLDERS_DEEP + 5))).mkdir(parents=True)
    return {
        "out.md": "leads out",
        "gone.md": "cannot be read",
        "loop.md": "cannot be read",
        "circle": "link to a folder",
        "zero.md": "leads out",
        "pipe.md": "not a file",
        f"deep/{'/'.join(['d'] * MOST_FOLDERS_DEEP)}": "nest deeper",
    }


def test_another_sites_files_are_taken_or_left_out_each_with_a_line(
    migrated: Dutyline, folder: Path, tmp_path: Path
) -> None:
    lay_out(folder, {name: content for name, (content, *_) in TAKEN.items()})
    lay_out(folder, {name: content for name, (content, _) in LEFT_OUT.items()})
    odd = add_what_is_no_file(folder, tmp_path) | {name: words for name, (_, words) in LEFT_OUT.items()}
    dry = migrated("guidance", "import", str(folder), "--foreign", "--dry-run")
    assert (dry.returncode, stored(tmp_path, "SELECT * FROM article")) == (0, [])
    ended = migrated("guidance", "import", str(folder), "--foreign", "--audience", "public")
    report = lines(ended)
    assert ended.returncode == 0, ended.stdout
    assert set(report) == set(TAKEN) | set(odd)
    for name, (_, slug, remark) in TAKEN.items():
        assert report[name].startswith(f"new: {slug}"), name
        assert remark in report[name] if remark else "(" not in report[name], report[name]
    for name, words in odd.items():
        assert report[name].startswith("left out: "), name
        assert words in report[name], (name, report[name])
    assert f"{len(TAKEN)} new, 0 changed, 0 unchanged, {len(odd)} left out, 0 problem." in ended.stdout
    assert not Path("/tmp/x").exists()  # What the tag would have made.
    texts = dict(stored(tmp_path, "SELECT slug, markdown FROM article_version JOIN article ON article.id = article_id"))
    assert texts["plain"] == "Its first [paragraph](/guidance/hugo-json#s-who-is-told)."
    assert texts["comment"] == "Text\n\n```\n<!-- kept -->\n```"
    again = migrated("guidance", "import", str(folder), "--foreign", "--audience", "public")
    assert f"0 new, 0 changed, {len(TAKEN)} unchanged" in again.stdout
    assert_round_trip(migrated, tmp_path)


def assert_round_trip(dutyline: Dutyline, tmp_path: Path) -> None:
    """What was exported is ours: strict, unchanged, and byte for byte the same when it is exported again."""
    dutyline("guidance", "export", str(tmp_path / "one"))
    ended = dutyline("guidance", "import", str(tmp_path / "one"))
    assert (ended.returncode, "0 new, 0 changed" in ended.stdout) == (0, True), ended.stdout
    dutyline("guidance", "export", str(tmp_path / "two"))
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two
    assert b"permalink: /x/" in one["jekyll-2019-03-05-a-post.md"]
    assert b"imported_from: jekyll/2019-03-05-a-post.md" in one["jekyll-2019-03-05-a-post.md"]


def test_our_own_files_are_taken_all_or_none(migrated: Dutyline, folder: Path, tmp_path: Path) -> None:
    lay_out(
        folder, {"good.md": GOOD.encode(), "again.md": GOOD.encode(), "up.md": GOOD.replace("clares", "../x").encode()}
    )
    lay_out(folder, {name: LEFT_OUT[name][0] for name in ("billion.md", "tag.md", "large.md", "nested.md", "many.md")})
    odd = add_what_is_no_file(folder, tmp_path)
    ended = migrated("guidance", "import", str(folder))
    report = lines(ended)
    assert ended.returncode == 1
    bad = {"good.md", "up.md", "billion.md", "tag.md", "large.md", "nested.md", "many.md", *odd}
    assert {name for name, line in report.items() if line.startswith("problem")} == bad
    assert "again.md has the same address" in report["good.md"]
    assert report["again.md"] == "unchanged: Not imported, because of the other files."
    assert ended.stdout.endswith("Nothing was imported: correct the files above first.\n")
    assert stored(tmp_path, "SELECT * FROM article") == []


def test_what_would_change_is_said_first(migrated: Dutyline, folder: Path, tmp_path: Path) -> None:
    lay_out(folder, {"a.md": GOOD.encode()})
    assert migrated("guidance", "import", str(folder)).returncode == 0
    lay_out(folder, {"a.md": GOOD.replace("Clare's", "The").replace("---\n\n", "tags: [x]\nmine: 1\n---\n\n").encode()})
    ended = migrated("guidance", "import", str(folder), "--dry-run")
    assert lines(ended)["a.md"] == "changed: clares-law: title, tags, other front matter"
    assert "Nothing was stored (dry run)." in ended.stdout
    assert stored(tmp_path, "SELECT title FROM article_version") == [("Clare's Law",)]


def test_another_sites_file_never_replaces_an_article_of_ours(migrated: Dutyline, folder: Path, tmp_path: Path) -> None:
    lay_out(folder, {"clares-law.md": GOOD.encode()})
    migrated("guidance", "import", str(folder))
    lay_out(folder, {"clares-law.md": b"# Something else\n\nText.\n"})
    ended = migrated("guidance", "import", str(folder), "--foreign")
    assert ended.returncode == 1
    assert "did not come from this file" in lines(ended)["clares-law.md"]
    assert stored(tmp_path, "SELECT title FROM article_version") == [("Clare's Law",)]


def test_staff_only_unless_said_and_drafts_only_with_drafts(migrated: Dutyline, folder: Path, tmp_path: Path) -> None:
    lay_out(folder, {"a.md": b"---\naudience: public\ndraft: true\n---\n# A\n\nText.\n"})
    assert migrated("guidance", "import", str(folder), "--foreign").returncode == 1
    assert migrated("guidance", "import", str(folder), "--foreign", "--drafts").returncode == 0
    assert stored(tmp_path, "SELECT audience, published_at FROM article_version") == [("advisors", None)]
    wrong = migrated("guidance", "import", str(folder), "--audience", "public")
    assert (wrong.returncode, "belongs to --foreign" in wrong.stderr) == (2, True)


def test_archives_are_not_taken(migrated: Dutyline, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "site.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.md", b"\0" * 50_000_000)
    with tarfile.open(tmp_path / "site.tar.gz", "w:gz") as packed:
        packed.add(__file__, "a.md")
    for name, words in (("site.zip", "Unpack an archive"), ("site.tar.gz", "Unpack an archive"), ("none", "no such")):
        for options in ([], ["--foreign"]):
            ended = migrated("guidance", "import", str(tmp_path / name), *options)
            assert (ended.returncode, words in ended.stdout) == (1, True), ended.stdout


def test_too_many_files_are_refused_at_once(migrated: Dutyline, folder: Path) -> None:
    for number in range(MOST_FILES + 1):
        os.close(os.open(folder / f"{number}.md", os.O_CREAT | os.O_WRONLY))
    ended = migrated("guidance", "import", str(folder), "--foreign")
    assert (ended.returncode, f"more than {MOST_FILES:,} files" in ended.stdout) == (1, True)


@pytest.mark.parametrize("options", [[], ["--foreign"]])
def test_names_cannot_speak_to_the_terminal(migrated: Dutyline, folder: Path, options: list[str]) -> None:
    name = os.fsdecode(b"a\x1b]0;mine\x07\xff.md")
    (folder / name).write_bytes(b'---\ntitle: "\\e[31mred"\naudience: nobody\n---\n')
    ended = migrated("guidance", "import", str(folder), *options)
    assert ended.returncode == 1
    assert ended.stdout.replace("\n", "").isprintable()
