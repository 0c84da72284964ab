"""Articles for the database of a service that is being measured: as long as the samples, and in their words.

Each is put together from sentences of the sample articles, in sections with headings, with some words of its own, so that
the vocabulary grows with the library as a real one does. The rows are made directly: to import fifty thousand would take
longer than what is measured after them. `python -m bench.seed_articles N` puts them into the service's database.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import sys
from collections.abc import Iterator, Sequence
from html import escape

from sqlalchemy import insert, select

from app.offline import command_settings, database_url
from bench.processes import ROOT
from core.clock import utc_now
from core.db import Database
from knowledge.articles import count_change
from knowledge.folder import ROWS
from knowledge.front_matter import parse_file
from knowledge.tables import article, article_version
from knowledge.versions import ArticleText, NewVersion
from knowledge.words import TOPICS, Audience, Status

SECTIONS, PARAGRAPHS, SENTENCES = 5, 3, 3
OWN_WORDS = 12
SYLLABLES = (
    "ba",
    "cor",
    "den",
    "el",
    "fa",
    "gri",
    "hol",
    "im",
    "ke",
    "lus",
    "mar",
    "nor",
    "os",
    "pel",
    "ran",
    "sto",
    "tu",
)
SEED = 5


def sentences_of_samples() -> list[str]:
    found: list[str] = []
    for path in sorted((ROOT / "guidance").glob("*.md")):
        markdown = parse_file(path.read_bytes(), path.stem).text.markdown
        prose = re.sub(r"\]\([^)]*\)|[#*|>\[\]_:]", " ", markdown)
        found += [" ".join(one.split()) for one in re.split(r"(?<=[.?!])\s+|\n", prose) if 30 < len(one) < 200]
    return found


def versions(count: int, sentences: Sequence[str]) -> Iterator[NewVersion]:
    """The same articles each time. Nine in ten are for anyone."""
    chance, now = random.Random(SEED), utc_now()
    for number in range(count):
        own = ["".join(chance.choices(SYLLABLES, k=3)) for _ in range(OWN_WORDS)]
        html = []
        for section in range(SECTIONS):
            html.append(f'<h2 id="s-{section}">{escape(chance.choice(sentences)[:50])}</h2>')
            for _ in range(PARAGRAPHS):
                words = " ".join(chance.choices(sentences, k=SENTENCES)) + " " + chance.choice(own)
                html.append(f"<p>{escape(words)}</p>")
        audience = Audience.ADVISORS if number % 10 == 9 else Audience.PUBLIC
        title = f"{chance.choice(sentences)[:60]} {own[0]}"
        text = ArticleText(
            title, chance.choice(sentences), audience, (chance.choice(TOPICS),), "eve", None, None, (), title
        )
        yield NewVersion(f"made-{number}", text, "\n".join(html), None, now, now)


async def seed_articles(database: Database, count: int) -> None:
    sentences = sentences_of_samples()
    made = list(versions(count, sentences))
    for start in range(0, count, ROWS):
        chunk = made[start : start + ROWS]
        async with database.write() as connection:
            counter = await count_change(connection)
            values = {"status": Status.PUBLISHED, "published_version": 1, "changed": counter}
            times = {"created_at": chunk[0].at, "updated_at": chunk[0].at}
            await connection.execute(insert(article), [{"slug": one.slug, **values, **times} for one in chunk])
            slugs = [one.slug for one in chunk]
            rows = await connection.execute(select(article.c.slug, article.c.id).where(article.c.slug.in_(slugs)))
            ids = {row.slug: row.id for row in rows}
            await connection.execute(insert(article_version), [one.row(ids[one.slug], 1) for one in chunk])


async def _seed_by_environment(count: int) -> None:
    database = Database(database_url(command_settings(os.environ)))
    try:
        await seed_articles(database, count)
    finally:
        await database.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.seed_articles", description=__doc__)
    parser.add_argument("count", type=int)
    asyncio.run(_seed_by_environment(parser.parse_args().count))
    return 0


if __name__ == "__main__":
    sys.exit(main())
