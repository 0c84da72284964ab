"""What `dutyline run` puts into its database: six accounts with one password, sample guidance, open round the clock.

Done once and repeated without harm. A database in which real people have accounts is never touched.
"""

import asyncio
import secrets
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import insert, select

from core.audit import AuditLog
from core.clock import utc_now
from core.crypto import make_key_file
from core.db import Database
from core.errors import StartError
from core.people import Role
from core.settings import Settings
from core.tables import setting
from knowledge.folder import Outcome
from knowledge.imports import Importer
from knowledge.rendering import Renderer
from knowledge.tables import article
from staff.accounts import Account, Accounts, NewAccount
from staff.passwords import Passwords
from staff.tables import account as accounts_table
from triage.tables import saved_reply

logger = structlog.get_logger()

SAMPLES = Path(__file__).parent.parent / "guidance"
PASSWORD_FILE = "demo-password"  # noqa: S105  # a file's name
CONSONANTS, VOWELS = "bdfghjklmnprstvz", "aeiou"
WORDS, SYLLABLES = 4, 3


@dataclass(frozen=True, slots=True)
class DemoPerson:
    email: str
    name: str
    role: Role


REPLIES = (
    (
        "Welcome",
        "Hello {nickname}, this is {advisor}. Thank you for your question. Please tell me nothing that names anybody.",
    ),
    ("One moment", "Please give me a moment to look something up. I am still here."),
    ("Who is safe now", "Before we go on: is anybody in danger at this moment? If so, call 999 first; I will be here."),
    ("Come back", "You can come back to this with your reference {reference} and your code. You can reach us {opens}."),
    ("Goodbye", "Is there anything else for today? You can save a transcript when we end."),
)
"""Shared by all advisors: name and text."""

PEOPLE = (
    DemoPerson("advisor@example.org", "Cora Hughes", Role.ADVISOR),
    DemoPerson("advisor2@example.org", "Dev Patel", Role.ADVISOR),
    DemoPerson("supervisor@example.org", "Sue Grant", Role.SUPERVISOR),
    DemoPerson("editor@example.org", "Eve Martin", Role.EDITOR),
    DemoPerson("editor2@example.org", "Nia Owen", Role.EDITOR),
    DemoPerson("admin@example.org", "Alf Reid", Role.ADMIN),
)


async def make_demo_accounts(accounts: Accounts, passwords: Passwords, password: str) -> None:
    """Create who is missing; give everybody this password where it is another one."""
    known = {account.email: account for account in await accounts.all()}
    if known and not any(account.demo for account in known.values()):
        raise StartError(
            "This database has real accounts. dutyline run is the demo: use dutyline web, or another DATA_DIR."
        )
    missing = [person for person in PEOPLE if person.email not in known]
    stale = await _with_other_password(
        [known[person.email] for person in PEOPLE if person.email in known], passwords, password
    )
    if not missing and not stale:
        return
    password_hash = await passwords.hash(password)
    for person in missing:
        new = NewAccount(person.email, person.name, frozenset({person.role}), password_hash, demo=True)
        await accounts.create(new)
    for account in stale:
        await accounts.set_password(account.id, password_hash)


async def open_round_the_clock(database: Database) -> None:
    """Unless somebody has decided about it since."""
    async with database.write() as connection:
        query = select(setting.c.value).where(setting.c.name == "always_open")
        if (await connection.execute(query)).one_or_none() is None:
            await connection.execute(insert(setting).values(name="always_open", value="yes"))


async def save_sample_replies(database: Database) -> None:
    """Once, into a service without any that all share."""
    async with database.write() as connection:
        if (await connection.execute(select(saved_reply.c.id).limit(1))).one_or_none() is not None:
            return
        query = select(accounts_table.c.id).where(accounts_table.c.email == "supervisor@example.org")
        by = (await connection.execute(query)).scalar_one_or_none()
        if by is None:
            return
        values = {"account_id": None, "changed_by": by, "changed_at": utc_now()}
        rows = [{"name": name, "text": text, **values} for name, text in REPLIES]
        await connection.execute(insert(saved_reply), rows)


async def publish_sample_guidance(database: Database, audit: AuditLog) -> None:
    """Once, into a service without any article."""
    async with database.read() as connection:
        if (await connection.execute(select(article.c.id).limit(1))).one_or_none() is not None:
            return
    renderer = Renderer()
    try:
        report = await Importer(database, audit, renderer).import_folder(SAMPLES, now=utc_now())
    finally:
        await renderer.close()
    for line in report.lines:
        if line.outcome is Outcome.PROBLEM:
            logger.warning("sample_not_imported", file=line.file)


def demo_password(settings: Settings) -> str:
    """DEMO_PASSWORD, or the one that was made at the first start and is kept beside the data."""
    if settings.demo_password is not None:
        return settings.demo_password
    path = settings.data_dir / PASSWORD_FILE
    make_key_file(path, new_password() + "\n")
    kept = path.read_text("ascii").strip()
    if not kept:
        raise StartError(f"{path} is empty. Delete it; the next start makes another password.")
    return kept


def new_password() -> str:
    """Four words that can be read out: 70 bits in twelve syllables."""
    return "-".join("".join(_syllable() for _ in range(SYLLABLES)) for _ in range(WORDS))


def welcome(settings: Settings, password: str) -> str:
    width = max(len(person.email) for person in PEOPLE)
    accounts = "\n".join(f"  {person.email:{width}}  {person.name}, {person.role}" for person in PEOPLE)
    kept = "" if settings.demo_password is not None else f" (kept in {_short(settings.data_dir / PASSWORD_FILE)})"
    return (
        f"\nDutyline listens on {settings.base_url}\n\n"
        f"For staff, sign in at {settings.base_url}/sign-in\n\n{accounts}\n\n"
        f"  Password of them all: {password}{kept}\n\n"
        "This is a demo: enter nothing about real people. "
        f"Ctrl-C stops it; its data stays in {_short(settings.data_dir)}.\n"
    )


def _syllable() -> str:
    return secrets.choice(CONSONANTS) + secrets.choice(VOWELS)


def _short(path: Path) -> str:
    """Relative to here where that is shorter to read."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


async def _with_other_password(known: list[Account], passwords: Passwords, password: str) -> list[Account]:
    verdicts = await asyncio.gather(
        *(passwords.verify(account.password_hash, password) for account in known if account.demo)
    )
    demo = [account for account in known if account.demo]
    return [account for account, verdict in zip(demo, verdicts, strict=True) if not verdict.right]
