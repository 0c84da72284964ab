"""Reminders by e-mail: each owner is told what is due for review, once a week at most, by the worker that leads.

Which articles and whose is read from the database; nothing of any conversation is. Without SMTP_URL nothing is put
aside or sent, and editors see what is due on their page.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import msgspec
import structlog
from sqlalchemy import select

from core import outbox
from core.clock import LONDON, Clock
from core.db import Database
from core.mail import ADDRESS, Mail, MailServer, NotSent, send_mail
from knowledge.due import DueArticle, due_articles
from knowledge.words import date_words
from staff.tables import account

logger = structlog.get_logger()

MAIL = "mail"
AHEAD = timedelta(days=14)
AGAIN_AFTER = timedelta(days=7)
MOST_LISTED = 50


@dataclass(frozen=True, slots=True)
class Person:
    """An account, as far as mail goes."""

    email: str
    name: str
    takes_mail: bool


class Reminders:
    def __init__(self, db: Database, server: MailServer | None, base_url: str, clock: Clock) -> None:
        self._db = db
        self._server = server
        self._base_url = base_url
        self._clock = clock

    async def tick(self) -> None:
        """Write what is to be said, and send what is to be sent."""
        if self._server is None:
            return
        await self._write()
        await self._send(self._server)

    async def _write(self) -> None:
        now = self._clock()
        today = now.astimezone(LONDON).date()
        async with self._db.read() as connection:
            due = await due_articles(connection, today + AHEAD)
            rows = await connection.execute(select(account.c.email, account.c.name, account.c.disabled, account.c.demo))
            people = [Person(row.email, row.name, not row.disabled and not row.demo) for row in rows]
            lists = [
                (whose, address, articles)
                for address, articles in by_address(due, people).items()
                if not await outbox.was_put(connection, whose := _whose(address), now - AGAIN_AFTER)
            ]
        for whose, address, articles in lists:
            # Another worker that leads for a moment makes the same key, and only one of the two is put.
            key = f"{whose}{today.isoformat()}"
            mail = Mail(key, address, *_words(articles, today, self._base_url))
            async with self._db.write() as connection:
                await outbox.put(connection, key, MAIL, msgspec.json.encode(mail), now)

    async def _send(self, server: MailServer) -> None:
        while (taken := await outbox.take(self._db, MAIL, self._clock())) is not None:
            try:
                await send_mail(server, msgspec.json.decode(taken.payload, type=Mail), self._clock())
            except NotSent as problem:
                gave_up = await outbox.failed(self._db, taken, self._clock())
                logger.warning("mail_not_sent", mail=taken.id, tries=taken.tries, reason=str(problem), gave_up=gave_up)
                if not problem.answered:
                    # The others would wait for the same server: they are tried in the next round.
                    return
            else:
                await outbox.sent(self._db, taken, self._clock())
                logger.info("mail_sent", mail=taken.id)


def _whose(address: str) -> str:
    """How the keys of one owner's mails begin."""
    return f"review.{hashlib.sha256(address.encode()).hexdigest()[:24]}."


def by_address(due: Iterable[DueArticle], people: Iterable[Person]) -> dict[str, list[DueArticle]]:
    """What is due, by the address of its owner. An owner whom nobody can tell gets none."""
    people, found = list(people), dict[str, list[DueArticle]]()
    for article in due:
        address = address_of(article.owner, people)
        if address is not None:
            found.setdefault(address, []).append(article)
    return found


def address_of(owner: str, people: list[Person]) -> str | None:
    """Where mail for an owner goes: an account by its address or its name, or an address that is nobody's account."""
    wanted = owner.strip().casefold()
    by_email = [person for person in people if person.email.casefold() == wanted]
    by_name = [person for person in people if person.name.casefold() == wanted and person.takes_mail]
    if by_email:
        return by_email[0].email if by_email[0].takes_mail else None
    if ADDRESS.fullmatch(owner.strip()):
        return wanted
    # Two of one name: a guess would tell the wrong one.
    return by_name[0].email if len(by_name) == 1 else None


def _words(articles: list[DueArticle], today: date, base_url: str) -> tuple[str, str]:
    """Subject and text."""
    overdue = [article for article in articles if article.review_by < today]
    coming = [article for article in articles if article.review_by >= today]
    count = len(articles)
    what = "1 article is" if count == 1 else f"{count} articles are"
    lines = [
        f"You are named as the owner of guidance that is to be checked again: {what} due within 14 days or overdue."
    ]
    listed = MOST_LISTED
    for title, group in (("Overdue", overdue), ("Due within 14 days", coming)):
        shown, listed = group[:listed], max(0, listed - len(group))
        lines += ["", title, *(_line(article, base_url) for article in shown)] if shown else []
    if count > MOST_LISTED:
        lines += ["", f"And {count - MOST_LISTED} more: {base_url}/editor"]
    lines += ["", 'When you have checked an article, set "Last checked" and a new "Review by" in the editor.']
    lines += ["This list comes once a week at most, for as long as something is due."]
    return f"Guidance to check: {what} due", "\n".join(lines)


def _line(article: DueArticle, base_url: str) -> str:
    return f"* {article.title}, review by {date_words(article.review_by)}\n  {base_url}/editor/{article.slug}"
