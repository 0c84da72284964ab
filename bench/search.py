"""Row `search`: how well the guidance is found, by words, by meaning and by both, on labelled questions.

`questions.tsv` holds questions in the words of practitioners and the articles that answer them, written before the search
was tuned. Every third is `held_out`: nothing was shaped on those. The 32 sample articles are what is searched, as staff see
them. Recall@3 is the share of questions with an answer among the first three, MRR the mean of one over its place.
`python -m bench.search` shows each question of the tuned part that is missed.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.migrations import migrate
from bench.processes import ROOT
from bench.report import Bar, Options, Report, print_report
from core.audit import AuditLog
from core.clock import utc_now
from core.crypto import Signer, new_token
from core.db import Database
from core.sqlite import sqlite_url
from knowledge.imports import Importer
from knowledge.index import Index
from knowledge.rendering import Renderer
from knowledge.search import nearest, search
from knowledge.words import FOR_STAFF

QUESTIONS = Path(__file__).with_name("questions.tsv")
PARTS = ("tuned", "held_out")
WITHIN = 3
LEAST_RECALL = 0.90
NOT_FOUND = 10**6


@dataclass(frozen=True, slots=True)
class Question:
    part: str
    text: str
    answers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Score:
    recall: float
    mrr: float


Finder = Callable[[str], list[str]]
"""What is found for a question, by slug, the best first."""


def read_questions(path: Path = QUESTIONS) -> Iterator[Question]:
    """Read lines of "part TAB question TAB slug[,slug]"."""
    for line in path.read_text(encoding="utf-8").splitlines():
        part, text, answers = line.split("\t")
        yield Question(part, text, frozenset(answers.split(",")))


def place_of(find: Finder, question: Question) -> int:
    """The place of the first answer, from 1."""
    places = (place for place, slug in enumerate(find(question.text), 1) if slug in question.answers)
    return next(places, NOT_FOUND)


def measure(find: Finder, questions: Sequence[Question]) -> Score:
    places = [place_of(find, question) for question in questions]
    found = sum(place <= WITHIN for place in places)
    return Score(found / len(places), sum(1 / place for place in places if place != NOT_FOUND) / len(places))


async def index_samples(folder: Path) -> Index:
    """The sample articles in a database of their own, indexed."""
    url = sqlite_url(folder)
    migrate(url)
    database, renderer, index = Database(url), Renderer(limit_s=10.0), Index()
    try:
        audit = AuditLog(Signer(new_token().encode()))
        report = await Importer(database, audit, renderer).import_folder(ROOT / "guidance", now=utc_now())
        assert report.ok, report.lines
        await index.refresh(database)
    finally:
        await renderer.close()
        await database.close()
    return index


def finders(index: Index) -> dict[str, Finder]:
    """By words, by meaning and by both, each as far down as it goes."""
    meaning, snapshot = index.meaning, index.snapshot
    assert meaning is not None

    def by_words(text: str) -> list[str]:
        index.meaning = None
        try:
            return by_both(text)
        finally:
            index.meaning = meaning

    def by_meaning(text: str) -> list[str]:
        return [snapshot.cards[row].slug for row in nearest(snapshot, meaning.of(text), FOR_STAFF)]

    def by_both(text: str) -> list[str]:
        return [hit.card.slug for hit in search(index, text, FOR_STAFF, limit=len(snapshot.cards)).hits]

    return {"words": by_words, "meaning": by_meaning, "both": by_both}


def run(folder: Path, options: Options) -> Report:
    index = asyncio.run(index_samples(folder))
    questions = list(read_questions())
    parts = {part: [one for one in questions if one.part == part] for part in PARTS}
    scores = {
        name: {part: measure(find, chosen) for part, chosen in parts.items()} for name, find in finders(index).items()
    }
    both = scores["both"]["held_out"]
    alone = max(scores[name]["held_out"].recall for name in ("words", "meaning"))
    columns = ("found by", *(f"{part} {what}" for part in PARTS for what in ("recall@3", "MRR")))
    lines = [
        (name, *(f"{value:.3f}" for part in PARTS for value in (of[part].recall, of[part].mrr)))
        for name, of in scores.items()
    ]
    bars = [
        Bar("recall@3 of both, held out", both.recall, LEAST_RECALL),
        Bar("recall@3 of both over the better of words and meaning, held out", both.recall / alone, 1.0),
        Bar("MRR of both over the better of words and meaning, held out", both.mrr / _best_mrr(scores), 1.0),
    ]
    notes = [f"{len(parts[part])} questions {part}" for part in PARTS]
    return Report("Questions of practitioners on the 32 sample articles", columns, lines, bars, notes)


def _best_mrr(scores: dict[str, dict[str, Score]]) -> float:
    return max(scores[name]["held_out"].mrr for name in ("words", "meaning"))


def _show_missed(folder: Path) -> None:
    """The questions of the tuned part that both together miss, with what comes first instead."""
    find = finders(asyncio.run(index_samples(folder)))["both"]
    for question in read_questions():
        if question.part == "tuned" and (place := place_of(find, question)) > WITHIN:
            shown = "-" if place == NOT_FOUND else str(place)
            print(f"{shown}\t{question.text}\t{','.join(sorted(question.answers))}\t{find(question.text)[:WITHIN]}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        for name, work in (("row", run), ("missed", _show_missed)):
            (Path(made) / name).mkdir()
            if work is run:
                print_report(run(Path(made) / name, Options(1, 1.0, 0.0, both_ways=False)))
            else:
                _show_missed(Path(made) / name)
    sys.exit(0)
