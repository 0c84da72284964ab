"""Whether the process lives, whether it can do its work, and its numbers. Nothing here tells what anybody wrote."""

import asyncio
import hmac
import ipaddress
import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from sqlalchemy import text
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from app.logs import log_target
from chat.fanout import Fanout
from chat.log import Log
from core.db import Database
from core.errors import Unavailable
from core.settings import Settings
from core.signals import Signals
from core.troubles import troubles

ANSWER_WITHIN_S = 1.0
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")

PROBE = text(
    "INSERT INTO setting (name, value) VALUES ('write_probe', :at) ON CONFLICT (name) DO UPDATE SET value = :at"
)


class TroubleCounts(Collector):
    """`dutyline_troubles_total` by the name of the log's event."""

    def collect(self) -> Iterator[CounterMetricFamily]:
        words = "What failed and is tried again, or came from another site"
        family = CounterMetricFamily("dutyline_troubles", words, labels=["event"])
        for event, count in sorted(troubles.counts.items()):
            family.add_metric([event], count)
        yield family


class Health:
    def __init__(self, db: Database, signals: Signals, fanout: Fanout, log: Log, settings: Settings) -> None:
        self._db = db
        self._signals = signals
        self._fanout = fanout
        self._settings = settings
        self._trying: asyncio.Task[bool] | None = None
        self._registry = CollectorRegistry()
        self._gauge(
            "dutyline_sessions", "Live sockets, streams and polls of this process", lambda: len(fanout.sessions())
        )
        self._gauge("dutyline_messages", "Messages this process has committed", lambda: log.committed)
        self._gauge("dutyline_messages_waiting", "Messages that wait for the next commit", lambda: log.waiting)
        self._gauge("dutyline_hints_heard", "1 while hints between processes arrive", lambda: float(signals.healthy))
        self._gauge("dutyline_log_lines_dropped", "Log lines that could not be written", lambda: log_target.dropped)
        self._registry.register(TroubleCounts())

    def _gauge(self, name: str, words: str, read: object) -> None:
        assert callable(read)
        Gauge(name, words, registry=self._registry).set_function(read)

    async def alive(self, request: Request) -> Response:
        return PlainTextResponse("ok", headers={"Cache-Control": "no-store"})

    async def ready(self, request: Request) -> Response:
        """A real write, within a second. Redis down is `degraded`: conversations go on without it."""
        database = await self._can_write()
        draining = self._fanout.is_draining
        redis = "ok" if self._signals.healthy and self._signals.takes_writes else "degraded"
        ready = database and not draining
        body = {"ready": ready, "database": "ok" if database else "down", "redis": redis, "draining": draining}
        return JSONResponse(body, 200 if ready else 503, headers={"Cache-Control": "no-store"})

    async def _can_write(self) -> bool:
        """Whether it was written in time. One try at a time: at a database that does not answer it goes on for seconds."""
        trying = self._trying
        if trying is None or trying.done():
            trying = self._trying = asyncio.create_task(self._write(), name="write probe")
        await asyncio.wait((trying,), timeout=ANSWER_WITHIN_S)
        return trying.done() and trying.result()

    async def _write(self) -> bool:
        # Never what stands there: SQLite does not write what does not change, and a full disk would go unnoticed.
        at = str(time.time_ns())
        try:
            async with self._db.write() as connection:
                await connection.execute(PROBE, {"at": at})
        except Unavailable:
            return False
        return True

    async def metrics(self, request: Request) -> Response:
        """Prometheus text, for loopback or with the token. A proxied request never counts as loopback."""
        if not self._may_read_metrics(request):
            raise HTTPException(404)
        return Response(
            generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"}
        )

    def _may_read_metrics(self, request: Request) -> bool:
        token = self._settings.metrics_token
        given = request.headers.get("authorization", "")
        if token is not None:
            return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
        if any(name in request.headers for name in FORWARDED) or request.client is None:
            return False
        try:
            return ipaddress.ip_address(request.client.host).is_loopback
        except ValueError:
            return False
