"""Row `publishing`: an editor publishes, and readers of every process find it.

Two web processes on PostgreSQL. A new article with a word that is nowhere else is published through one of them; timed is
from the answer to the editor until a search for the word shows the article, in each process. Then the same without Redis,
when only its own look at the counter tells the other process.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import httpx

from bench.processes import ProcessError
from bench.report import Options, Report, spread, within
from bench.solo import form_token
from core.clock import utc_now
from tests.engines import PostgresServer, RedisServer
from tests.forks import from_nothing
from tests.live import LiveService

ARTICLES = 12
PATIENCE_S = 10.0
MOST_MS = 1_000
EMAIL, PASSWORD = "editor@bench.example", "a password of the bench"


class Newsroom:
    """An editor at the first process, and a reader at each."""

    def __init__(self, service: LiveService) -> None:
        self._clients = [self._client(service, name) for name in service.parts]
        self._editor = self._client(service, next(iter(service.parts)))
        self._post("/sign-in", "/sign-in", {"email": EMAIL, "password": PASSWORD})

    def _client(self, service: LiveService, part: str) -> httpx.Client:
        base_url = f"http://127.0.0.1:{service.port(part)}"
        return httpx.Client(base_url=base_url, headers=service.origin_headers, timeout=PATIENCE_S, trust_env=False)

    def publish(self, slug: str, word: str) -> list[float]:
        """For each process, how many ms after the answer the word was found there."""
        today = utc_now().date()
        article = {
            "title": f"About {slug}",
            "slug": slug,
            "summary": "One sentence.",
            "audience": "public",
            "tags": "police",
            "owner": "bench",
            "last_checked": (today - timedelta(days=30)).isoformat(),
            "review_by": (today + timedelta(days=30)).isoformat(),
            "sources": "A source",
            "markdown": f"A text about {word}.",
            "action": "save",
        }
        self._post("/editor/new", "/editor/new", article)
        self._post(f"/editor/{slug}/review", f"/editor/{slug}/publish", {"version": "1", "reason": "It is urgent."})
        answered_at = time.perf_counter()
        found: dict[int, float] = {}
        while len(found) < len(self._clients):
            for number, reader in enumerate(self._clients):
                if number not in found and f"/guidance/{slug}" in reader.get(f"/guidance?q={word}").text:
                    found[number] = 1000 * (time.perf_counter() - answered_at)
            if time.perf_counter() - answered_at > PATIENCE_S:
                raise ProcessError(f"{slug} was not found in every process within {PATIENCE_S:g} s")
        return list(found.values())

    def _post(self, page: str, door: str, fields: dict[str, str]) -> None:
        token = form_token(self._editor.get(page).text)
        answer = self._editor.post(door, data={**fields, "csrf_token": token or ""})
        if answer.status_code != 303:
            raise ProcessError(f"POST {door} answered {answer.status_code}, not 303")


def run(folder: Path, options: Options) -> Report:
    folder.mkdir(exist_ok=True)
    postgres, redis = PostgresServer(), RedisServer()
    try:
        postgres.start()
        redis.start()
        postgres.create_database("publishing")
        engines = {"DATABASE_URL": postgres.url("publishing"), "REDIS_URL": redis.url()}
        with LiveService(folder, web=2, environment=engines, program=from_nothing) as service:
            service.command(
                "account", "add", EMAIL, "--name", "Editor", "--role", "editor", stdin=f"{PASSWORD}\n"
            ).check_returncode()
            newsroom = Newsroom(service)
            hinted = [newsroom.publish(f"hinted-{number}", f"quagga{number}x") for number in range(ARTICLES)]
            redis.stop()
            polled = [newsroom.publish(f"polled-{number}", f"okapi{number}x") for number in range(ARTICLES)]
    finally:
        redis.stop()
        postgres.stop()
    return Report(
        title=f"{ARTICLES} articles published, PostgreSQL, 2 web processes: until readers of each process find them",
        columns=("Redis", "here ms", "there ms"),
        lines=[_line("there", hinted), _line("away", polled)],
        bars=[
            within(
                "from the editor's answer until found in the last process",
                max(map(max, hinted)),
                MOST_MS,
                "ms",
                waits=True,
            ),
            within("the same without Redis", max(map(max, polled)), MOST_MS, "ms", waits=True),
        ],
    )


def _line(state: str, found: Sequence[Sequence[float]]) -> list[str]:
    here, there = zip(*found, strict=True)
    return [state, spread(here), spread(there)]
