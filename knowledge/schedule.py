"""Publishing at a moment: the worker that leads gives readers what is due, each article in one transaction.

What was published is no longer scheduled, in the same transaction, so that a restart or a second leader publishes nothing
twice. Every process hears of it as of any other publication.
"""

import structlog
from sqlalchemy import and_, delete, select

from core.audit import AuditLog
from core.clock import Clock
from core.db import Database
from core.errors import Refusal, Unavailable
from core.signals import Signals
from knowledge.library import TOPIC
from knowledge.review import Review
from knowledge.tables import article, draft_progress
from knowledge.words import Status

logger = structlog.get_logger()

MOST_AT_ONCE = 50


class Schedule:
    def __init__(self, db: Database, signals: Signals, audit: AuditLog, clock: Clock) -> None:
        self._db = db
        self._signals = signals
        self._review = Review(audit)
        self._clock = clock

    async def tick(self) -> int:
        """Publish what is due. How many articles that were."""
        now = self._clock()
        is_due = and_(draft_progress.c.status == Status.SCHEDULED, draft_progress.c.publish_at <= now)
        query = select(draft_progress.c.article_id, draft_progress.c.version, article.c.draft_version)
        query = query.join(article, article.c.id == draft_progress.c.article_id).where(is_due)
        async with self._db.read() as connection:
            due = (await connection.execute(query.order_by(draft_progress.c.publish_at).limit(MOST_AT_ONCE))).all()
        published = 0
        for row in due:
            if row.version == row.draft_version:
                published += await self._publish(row.article_id)
            else:
                await self._forget(row.article_id, row.version)
        return published

    async def _publish(self, article_id: int) -> bool:
        try:
            async with self._db.write() as connection:
                counter = await self._review.publish_due(connection, article_id, self._clock())
        except Unavailable:
            raise
        except Refusal as refusal:
            # One article that cannot be published keeps no other one back.
            logger.error("article_not_published", article_id=article_id, code=refusal.code)
            return False
        if counter is None:
            return False
        self._signals.send(TOPIC, counter)
        logger.info("article_published_on_schedule", article_id=article_id)
        return True

    async def _forget(self, article_id: int, version: int) -> None:
        """An import has put another text in its place: what was scheduled is no draft any longer."""
        row = draft_progress.c
        async with self._db.write() as connection:
            await connection.execute(delete(draft_progress).where(row.article_id == article_id, row.version == version))
