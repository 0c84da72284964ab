"""The whole service inside the test, on a clock that the test moves: every door that `app.main` knows, without a server.

Cora and Dev are advisors, Sue supervises. A visitor is a client without a session; `enquire` is what an outside client sends.
"""

import asyncio
import base64
import re
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import func, insert, select, update

from app.main import Service
from app.parts import Parts
from chat.tables import conversation
from core.assets import Assets
from core.crypto import token_hash
from core.db import Database
from core.errors import NotFound
from core.people import Role, SignedIn
from core.settings import Settings, read_settings
from core.signals import open_redis
from core.tables import setting
from knowledge.articles import publish
from knowledge.versions import ArticleText, NewVersion, create, read_version, save
from knowledge.words import Audience
from staff.tables import account, account_role, session
from triage.hours import DEFAULT_PERIODS
from triage.reaper import Reaper
from triage.router import Router
from triage.tables import hours, presence_lease

EPOCH = "1f"
ORIGIN = "http://127.0.0.1:8000"
FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)

ENQUIRY = {
    "immediate_danger": "no",
    "sector": "probation",
    "area": "cleveland",
    "topic": "recognising_risk",
    "deadline": "days",
    "risk_flags": "none",
    "question": "How do I prepare a first supervision session?",
    "nickname": "Ada",
    "language": "en",
    "confirmed": "yes",
}


@dataclass
class FixedClock:
    """A Monday at noon, until a test moves it."""

    now: datetime = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def go_on(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class House:
    """Everything of one service, made on a fresh database, with keys in a folder of its own."""

    db: Database
    folder: Path
    clock: FixedClock = field(default_factory=FixedClock)

    def __post_init__(self) -> None:
        self.settings = house_settings(self.folder)
        # Redis is not there: nothing here may need it. A test that wants it gives `signals` another one.
        parts = Parts(self.settings, self.db, open_redis("redis://127.0.0.1:1"), clock=self.clock)
        self.parts = parts
        self.signer, self.keys, self.audit, self.signals = parts.signer, parts.keys, parts.audit, parts.signals
        self.log, self.drafts, self.counts, self.holds = parts.log, parts.drafts, parts.daily_counts, parts.holds
        self.fanout, self.conversations, self.queue = parts.fanout, parts.conversations, parts.queue
        self.opening, self.notices, self.offers, self.claims = parts.opening, parts.notices, parts.offers, parts.claims
        self.presences, self.library, self.guidance = parts.presences, parts.library, parts.guidance
        self.suggestions, self.wrap_ups = parts.suggestions, parts.wrap_ups
        self.router = Router(self.db, self.offers, self.clock)
        self.reaper = Reaper(self.db, self.log, self.fanout, self.notices, self.audit, self.clock)
        self.service = Service(self.settings, parts, assets())

    async def hire(self, name: str, *roles: Role, capacity: int = 2, presence: str = "online") -> SignedIn:
        """An account that is signed in, however far the clock goes on."""
        account_id = secrets.token_hex(8)
        async with self.db.write() as connection:
            await connection.execute(
                insert(account).values(
                    id=account_id,
                    email=f"{account_id}@example.org",
                    name=name,
                    created_at=self.clock(),
                    capacity=capacity,
                    presence=presence,
                )
            )
            for role in roles:
                await connection.execute(insert(account_role).values(account_id=account_id, role=role))
            token, _ = await self.parts.sessions.start(connection, account_id)
            lasting = update(session).where(session.c.token_hash == token_hash(token))
            await connection.execute(lasting.values(until=FOR_EVER, seen_at=FOR_EVER))
        person = SignedIn(account_id, name, frozenset(roles), token, FOR_EVER)
        if presence == "online":
            await self.open_desk(person)
        return person

    async def open_desk(self, person: SignedIn, *, hours: float = 24) -> None:
        """They are there for so long, as if their desk were open."""
        lease = presence_lease.c.account_id == person.account_id
        async with self.db.write() as connection:
            await connection.execute(presence_lease.delete().where(lease))
            until = self.clock() + timedelta(hours=hours)
            row = {"account_id": person.account_id, "process": "test", "until": until}
            await connection.execute(insert(presence_lease).values(**row))

    def client(self, person: SignedIn | None = None, *, address: str = "192.0.2.7") -> "Browser":
        # Past the answers that are ready for a second: the test's clock goes on faster.
        transport = httpx.ASGITransport(self.service.edge, client=(address, 5000))
        cookies = {"session": person.token} if person else {}
        return Browser(
            httpx.AsyncClient(transport=transport, base_url=ORIGIN, cookies=cookies, headers={"origin": ORIGIN})
        )

    async def enquire(self, **changes: Any) -> str:
        """Start a conversation as an outside client does; its reference."""
        async with self.client() as ada:
            answered = await ada.post("/ask", {**ENQUIRY, **changes})
            assert answered.status_code == 303, answered.text
        async with self.db.read() as connection:
            newest = select(conversation.c.reference).order_by(conversation.c.id.desc()).limit(1)
            return str((await connection.execute(newest)).scalar_one())

    async def write_article(self, slug: str, title: str, *, html: str = "", **changes: Any) -> None:
        """Publish an article, or its next version."""
        given: dict[str, Any] = {
            "title": title,
            "summary": f"{title}, in short.",
            "audience": Audience.PUBLIC,
            "tags": ("recognising_risk",),
            "owner": "guidance-editor",
            "last_checked": date(2026, 11, 2),
            "review_by": date(2027, 5, 2),
            "sources": (),
            "markdown": title,
        }
        new = NewVersion(slug, ArticleText(**given | changes), html or f"<p>{title}</p>", None, self.clock())
        async with self.db.write() as connection:
            try:
                before = (await read_version(connection, slug)).version
                saved = await save(connection, new, before)
            except NotFound:
                saved = await create(connection, new)
            await publish(connection, self.audit, slug, saved.version, "system", self.clock())
        await self.library.refresh()

    async def set(self, name: str, value: str) -> None:
        async with self.db.write() as connection:
            await connection.execute(insert(setting).values(name=name, value=value))
        self.opening.forget()

    async def count(self, table: Any) -> int:
        async with self.db.read() as connection:
            return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


async def damage_key(house: House, reference: str) -> None:
    """Nothing of this conversation can be opened or sealed any more."""
    this = update(conversation).where(conversation.c.reference == reference)
    async with house.db.write() as connection:
        await connection.execute(this.values(wrapped_key=b"damaged"))


async def status_of(house: House, reference: str) -> str:
    """As it is stored, whether it can be opened or not."""
    query = select(conversation.c.status).where(conversation.c.reference == reference)
    async with house.db.read() as connection:
        return str((await connection.execute(query)).scalar_one())


@dataclass
class Browser:
    """One person's cookies, and the form token that their pages carry."""

    http: httpx.AsyncClient

    async def __aenter__(self) -> "Browser":
        await self.http.__aenter__()
        return self

    async def __aexit__(self, *problem: object) -> None:
        await self.http.aclose()

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.http.get(path, headers=headers)

    async def token(self) -> str:
        page = await self.http.get("/desk" if "session" in self.http.cookies else "/ask?all=1&leave=1")
        found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        assert found is not None
        return found.group(1)

    async def post(self, path: str, fields: dict[str, Any], *, token: str | None = None) -> httpx.Response:
        form = {**fields, "csrf_token": await self.token() if token is None else token}
        return await self.http.post(path, data=form)

    async def post_json(self, path: str, document: dict[str, Any]) -> httpx.Response:
        return await self.http.post(path, json=document, headers={"x-csrf-token": await self.token()})


@asynccontextmanager
async def opened(db: Database) -> AsyncIterator[House]:
    """A house that is open in office hours and whose log is being written."""
    with tempfile.TemporaryDirectory(prefix="dl-") as folder:
        house = House(db, Path(folder))
        async with db.write() as connection:
            weekdays = [{"weekday": one.weekday, "opens_minute": 570, "closes_minute": 1020} for one in DEFAULT_PERIODS]
            await connection.execute(insert(hours), weekdays)
        writer = asyncio.create_task(house.log.run())
        try:
            yield house
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            house.parts.passwords.close()


@cache
def assets() -> Assets:
    """Read once for all tests: the files do not change under them."""
    return Assets()


def house_settings(folder: Path) -> Settings:
    """With keys of its own, at the address that `Browser` speaks to."""
    keys = {"MASTER_KEYS_FILE": folder / "master.keys", "SECRET_KEY_FILE": folder / "secret.key"}
    for path in keys.values():
        path.write_bytes(base64.b64encode(secrets.token_bytes(48 if path.suffix == ".key" else 32)))
        path.chmod(0o600)
    return read_settings(
        {"BASE_URL": ORIGIN, "DATA_DIR": str(folder), **{name: str(path) for name, path in keys.items()}}
    )


def without(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


def hidden_fields(page: str) -> dict[str, Any]:
    """The hidden inputs of the page's first form, as a browser would send them."""
    form = re.search(r"<form class=\"ask.*?</form>", page, re.S)
    assert form is not None, page
    found: dict[str, Any] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form.group()):
        found[name] = (
            [*found[name], value]
            if isinstance(found.get(name), list)
            else [found[name], value]
            if name in found
            else value
        )
    return found


def ids_of(page: str) -> Iterable[str]:
    return re.findall(r' id="([^"]+)"', page)
