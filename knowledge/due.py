"""Which published articles are to be looked at again, and who is named as their owner."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from knowledge.tables import article, article_version
from knowledge.words import Status


@dataclass(frozen=True, slots=True)
class DueArticle:
    slug: str
    title: str
    owner: str
    review_by: date


async def due_articles(connection: AsyncConnection, until: date) -> list[DueArticle]:
    """What readers have whose review is due on that day or before, what is due first in front."""
    version = article_version
    is_published = and_(version.c.article_id == article.c.id, version.c.version == article.c.published_version)
    query = (
        select(article.c.slug, version.c.title, version.c.owner, version.c.review_by)
        .join(version, is_published)
        .where(article.c.status == Status.PUBLISHED, version.c.review_by <= until)
        .order_by(version.c.review_by, article.c.slug)
    )
    return [DueArticle(row.slug, row.title, row.owner, row.review_by) for row in await connection.execute(query)]
