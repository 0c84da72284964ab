"""A small service for these tests: the guidance behind its doors, with real keys, database and renderer.

Eve edits, Cora advises, Ada is a visitor with a conversation, and a stranger is a client without any cookie.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
from sqlalchemy import func, insert, select, update
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from app.pages import make_templates
from chat.identifiers import mask_all
from core.audit import AuditLog
from core.clock import utc_now
from core.crypto import KeyRing, Signer
from core.db import Database
from core.doors import PUBLIC, Door, roles
from core.edge import Edge
from core.limits import Limiter
from core.people import Role, SignedIn
from core.settings import Settings, read_settings
from core.signals import Signals, open_redis
from core.web import Site, refuse_http
from knowledge.articles import publish, withdraw
from knowledge.editor import EditorPages
from knowledge.folder import Report
from knowledge.gap_pages import GapPages
from knowledge.history_pages import HistoryPages
from knowledge.image_pages import LARGEST_FILE, ImagePages
from knowledge.imports import Importer
from knowledge.library import Library
from knowledge.pages import GuidancePages
from knowledge.rendering import Renderer
from knowledge.review_pages import ReviewPages
from knowledge.schedule import Schedule
from knowledge.search_notes import SearchNotes
from knowledge.synonym_pages import SynonymPages
from knowledge.tables import article
from knowledge.versions import ArticleText, NewVersion, Saved, create, read_version, save
from knowledge.words import FOR_ANYONE, FOR_STAFF, FOR_VISITORS, Audience, Audiences
from staff.tables import account, account_role

SAMPLES = Path(__file__).parents[2] / "guidance"
ORIGIN = "http://127.0.0.1:8000"
POST = ("POST",)
EDITOR = roles(Role.EDITOR)


@dataclass
class FixedClock:
    """A Monday at noon, until a test moves it."""

    now: datetime = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def go_on(self, **span: float) -> None:
        self.now += timedelta(**span)


def a_text(**changes: Any) -> ArticleText:
    given: dict[str, Any] = {
        "title": "Clare's Law",
        "summary": "Ask the police about somebody's past.",
        "audience": Audience.PUBLIC,
        "tags": ("orders_and_disclosure",),
        "owner": "eve",
        "last_checked": date(2026, 10, 12),
        "review_by": date(2027, 4, 12),
        "sources": ("Statutory guidance, April 2023 https://example.org/dvds",),
        "markdown": "Ask the police.\n\n## Who is told\n\nWhoever can protect.",
    }
    return ArticleText(**given | changes)


@dataclass
class House:
    db: Database
    renderer: Renderer
    clock: FixedClock = field(default_factory=FixedClock)
    people: dict[str, SignedIn] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.keyring = KeyRing([secrets.token_bytes(32)])
        self.signer = Signer(secrets.token_bytes(32))
        self.audit = AuditLog(self.signer)
        self.limiter = Limiter(0.001, 5)
        self.previews = Limiter(0.001, 20)
        self.library = self.another_library()
        self.importer = Importer(self.db, self.audit, self.renderer)
        self.app = Starlette(
            routes=[door.route() for door in self.doors()], exception_handlers={HTTPException: http_problem}
        )
        templates = make_templates(SimpleNamespace(url=asset, modules=no_modules), utc_now)  # type: ignore[arg-type]  # All that it asks of Assets.
        self.app.state.site = Site(read_settings({"DATA_DIR": "/nowhere"}, demo=True), self.signer, templates, asset)
        self.app.state.identify = self._identify

    def another_library(self) -> Library:
        """The library of another process on the same database. Nobody listens at its Redis: hints get lost."""
        signals = Signals(open_redis("redis://127.0.0.1:1"), "test")
        notes = SearchNotes(self.db, signals, self.keyring, self.signer, mask_all, self.clock)
        library = Library(self.db, signals, notes, self.clock)
        library.renderer = self.renderer
        return library

    def schedule(self, db: Database | None = None) -> Schedule:
        """What a worker that leads publishes by; nobody listens at its Redis."""
        signals = Signals(open_redis("redis://127.0.0.1:1"), "test")
        return Schedule(db or self.db, signals, self.audit, self.clock)

    def doors(self) -> list[Door]:
        guidance = GuidancePages(self.db, self.library, self.keyring, self.limiter, self._rights, mask_all, self.clock)
        editor = EditorPages(self.db, self.audit, self.library, self.previews, self.clock)
        review = ReviewPages(self.db, self.audit, self.library, self.clock)
        history = HistoryPages(self.db, self.audit, self.library, self.clock)
        synonyms = SynonymPages(self.db, self.audit, self.library, self.clock)
        images = ImagePages(self.db, self.audit, self._rights, self.clock)
        gaps = GapPages(self.db, self.keyring, self.library.search_notes, self.clock)
        one = "/editor/{slug}"
        return [
            Door("/guidance", guidance.index, PUBLIC),
            Door("/guidance/feed.atom", guidance.feed, PUBLIC),
            Door("/guidance/images/{name}", images.show, PUBLIC),
            Door("/guidance/{slug}.md", guidance.markdown, PUBLIC),
            Door("/guidance/{slug}", guidance.article, PUBLIC),
            Door("/guidance/{slug}/helpful", guidance.helpful, PUBLIC, POST, needs_token=False),
            Door("/editor", editor.work_list, EDITOR),
            Door("/editor/new", editor.new, EDITOR),
            Door("/editor/new", editor.create, EDITOR, POST),
            Door("/editor/preview", editor.preview, EDITOR, POST),
            Door("/editor/synonyms", synonyms.show, EDITOR),
            Door("/editor/synonyms", synonyms.add, EDITOR, POST),
            Door("/editor/synonyms/{number}", synonyms.change, EDITOR, POST),
            Door("/editor/synonyms/{number}/delete", synonyms.delete, EDITOR, POST),
            Door("/editor/images", images.list, EDITOR),
            Door("/editor/images", images.add, EDITOR, POST, largest_file=LARGEST_FILE),
            Door("/editor/images/{name}/remove", images.remove, EDITOR, POST),
            Door("/editor/gaps", gaps.gaps, EDITOR),
            Door(one, editor.edit, EDITOR),
            Door(one, editor.save, EDITOR, POST),
            Door(f"{one}/here", editor.here, EDITOR, POST),
            Door(f"{one}/withdraw", editor.withdraw, EDITOR, POST),
            Door(f"{one}/review", review.show, EDITOR),
            Door(f"{one}/review", review.send, EDITOR, POST),
            Door(f"{one}/send-back", review.send_back, EDITOR, POST),
            Door(f"{one}/cancel", review.cancel, EDITOR, POST),
            Door(f"{one}/publish", review.publish, EDITOR, POST),
            Door(f"{one}/history", history.history, EDITOR),
            Door(f"{one}/compare", history.compare, EDITOR),
            Door(f"{one}/restore", history.restore, EDITOR, POST),
            Door(f"{one}/feedback", gaps.feedback, EDITOR),
        ]

    async def _identify(self, request: Request) -> SignedIn | None:
        return self.people.get(request.cookies.get("session", ""))

    async def _rights(self, request: Request) -> Audiences:
        if await self._identify(request) is not None:
            return FOR_STAFF
        return FOR_VISITORS if request.cookies.get("visitor") == "ada" else FOR_ANYONE

    async def hire(self, name: str, *its_roles: Role) -> SignedIn:
        until = datetime.max.replace(tzinfo=UTC)
        person = SignedIn(secrets.token_hex(8), name, frozenset(its_roles), secrets.token_urlsafe(32), until)
        self.people[person.token] = person
        values = {"id": person.account_id, "email": f"{person.account_id}@example.org", "name": name}
        async with self.db.write() as connection:
            await connection.execute(
                insert(account).values(**values, created_at=self.clock(), capacity=2, presence="away")
            )
            for role in its_roles:
                await connection.execute(insert(account_role).values(account_id=person.account_id, role=role))
        return person

    async def disable(self, person: SignedIn) -> None:
        async with self.db.write() as connection:
            await connection.execute(update(account).where(account.c.id == person.account_id).values(disabled=True))

    def stranger(self) -> "Browser":
        return Browser(self._http({}))

    def ada(self) -> "Browser":
        return Browser(self._http({"visitor": "ada"}))

    def signed_in(self, person: SignedIn) -> "Browser":
        return Browser(self._http({"session": person.token}))

    def _http(self, cookies: Mapping[str, str]) -> httpx.AsyncClient:
        settings: Settings = self.app.state.site.settings
        edge = Edge(
            self.app, settings, lambda: False, lambda _, refusal: PlainTextResponse(refusal.text, refusal.status)
        )
        transport = httpx.ASGITransport(edge, client=("192.0.2.7", 5000))
        return httpx.AsyncClient(
            transport=transport, base_url=ORIGIN, cookies=dict(cookies), headers={"origin": ORIGIN}
        )

    async def draft(self, slug: str, text: ArticleText, author: str | None = None) -> Saved:
        """Save a text as the newest version."""
        new = NewVersion(slug, text, await self.renderer.render(text.markdown), author, self.clock())
        async with self.db.write() as connection:
            if await self.count_of(slug):
                return await save(connection, new, (await read_version(connection, slug)).version)
            return await create(connection, new)

    async def publish(self, slug: str, **changes: Any) -> None:
        """Save and publish a text, and let this process know."""
        saved = await self.draft(slug, a_text(**changes))
        async with self.db.write() as connection:
            await publish(connection, self.audit, slug, saved.version, "system", self.clock())
        await self.library.refresh()

    async def withdraw(self, slug: str, reason: str) -> None:
        async with self.db.write() as connection:
            await withdraw(connection, self.audit, slug, reason, "system", self.clock())
        await self.library.refresh()

    async def import_samples(self) -> Report:
        report = await self.importer.import_folder(SAMPLES, now=self.clock())
        await self.library.refresh()
        return report

    async def count_of(self, slug: str) -> int:
        return await self.count(article, article.c.slug == slug)

    async def count(self, table: Any, *where: Any) -> int:
        async with self.db.read() as connection:
            return int((await connection.execute(select(func.count()).select_from(table).where(*where))).scalar_one())


@dataclass
class Browser:
    """One person's cookies, and the form token that their pages carry."""

    http: httpx.AsyncClient

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.http.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    async def post(self, path: str, fields: Mapping[str, Any]) -> httpx.Response:
        """A form of the editor's pages, with its token."""
        return await self.http.post(path, data={**fields, "csrf_token": await self.token()})

    async def token(self) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', (await self.get("/editor/new")).text)
        return found.group(1) if found else ""


async def http_problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    return refuse_http(request, problem)


def no_modules(name: str) -> tuple[str, ...]:
    return ()


def asset(name: str) -> str:
    return f"/static/test/{name}"
