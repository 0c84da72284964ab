"""`dutyline doctor`: every part in one table, with what to do about those that are not well.

It leaves everything as it was, and shows no secret. Each check stands alone, so that one that fails hides no other.
"""

import asyncio
import os
import shutil
import stat
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import delete, func, insert, select, text

from app.connections import check_room
from app.embedded import answers, choose_socket, find_redis_binary
from app.migrations import check_migrated, current
from app.offline import command_settings, database_url, staff_of
from app.reminders import MAIL
from core.assets import Assets
from core.audit import AuditLog
from core.clock import to_ms, utc_now
from core.crypto import KeyRing, Signer
from core.db import Database
from core.errors import Refusal, StartError
from core.mail import NotSent, check_mail_server, mail_server
from core.outbox import count_given_up
from core.people import Role
from core.settings import Settings
from core.signals import open_redis
from core.tables import lease
from knowledge.tables import article

LEAST_FREE_BYTES = 500 * 1024 * 1024
OLDEST_REDIS = (6, 2)
MOST_CLOCK_DIFFERENCE_MS = 2_000
PROBE = "doctor"

HOW_TO_MAKE_KEYS = """\
To make the two key files, in a folder that only the service's account can read:
  umask 077
  openssl rand -base64 32 > master.keys
  openssl rand -base64 48 > secret.key
Name them in MASTER_KEYS_FILE and SECRET_KEY_FILE. Keep a copy of master.keys away from the backups: without it no
conversation can be read."""


@dataclass(frozen=True, slots=True)
class Finding:
    """How one part is. `advice` is empty when it is well."""

    part: str
    found: str
    advice: str = ""


Check = Callable[[Settings], Awaitable[Finding]]


def examine(environ: Mapping[str, str]) -> int:
    """Print the table. Exit status 0 when all is well, 1 when something is not, 2 when the settings cannot be read."""
    try:
        settings = command_settings(environ)
    except StartError as problem:
        sys.stderr.write(f"{problem}\n")
        if "KEY" in str(problem):
            sys.stderr.write(f"{HOW_TO_MAKE_KEYS}\n")
        return 2
    findings = asyncio.run(_examine(settings))
    _print(findings)
    return 1 if any(finding.advice for finding in findings) else 0


async def _examine(settings: Settings) -> list[Finding]:
    checks: dict[str, Check] = {
        "Data folder": check_folder,
        "Keys": check_keys,
        "Database": check_database,
        "Clock": check_clock,
        "Redis": check_redis,
        "Assets": check_assets,
        "Accounts": check_accounts,
        "Guidance": check_guidance,
        "Audit": check_audit,
        "Mail": check_mail,
    }
    findings = [Finding("Settings", "can be read")]
    for part, check in checks.items():
        try:
            findings.append(await check(settings))
        except StartError as problem:
            findings.append(Finding(part, "problem", str(problem)))
        except Refusal:
            findings.append(Finding(part, "not known", "See the database, above."))
    return findings


async def check_folder(settings: Settings) -> Finding:
    part, folder = "Data folder", settings.data_dir
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        return Finding(part, "cannot be written", f"Make {folder} a folder of the account that runs the service.")
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        return Finding(part, f"{free // 1_000_000} MB free", "Make room on this disk before it is full.")
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        return Finding(part, "others on this machine can look into it", f"chmod 700 {folder}")
    return Finding(part, f"writable, private, {free // 1_000_000_000} GB free")


async def check_keys(settings: Settings) -> Finding:
    KeyRing.from_file(settings.master_keys_file)
    Signer.from_file(settings.secret_key_file)
    open_files = [path for path in (settings.master_keys_file, settings.secret_key_file) if _others_may_read(path)]
    if open_files:
        return Finding("Keys", "others on this machine can read them", f"chmod 600 {' '.join(map(str, open_files))}")
    return Finding("Keys", "well formed, private")


async def check_database(settings: Settings) -> Finding:
    """A commit is tried for real: a full disk or a standby shows only there."""
    url = database_url(settings)
    check_migrated(url)
    check_room(url, settings.web_concurrency)
    database = Database(url)
    try:
        async with database.write() as connection:
            await connection.execute(delete(lease).where(lease.c.name == PROBE))
            await connection.execute(insert(lease).values(name=PROBE, holder=PROBE, until=utc_now()))
        async with database.write() as connection:
            await connection.execute(delete(lease).where(lease.c.name == PROBE))
    except Refusal:
        return Finding("Database", "takes no commit", "Check its disk, and that this is the primary and not a standby.")
    finally:
        await database.close()
    engine = "SQLite" if database.is_sqlite else "PostgreSQL"
    return Finding("Database", f"{engine}, form {current(url)}, takes commits")


async def check_clock(settings: Settings) -> Finding:
    database = Database(database_url(settings))
    try:
        if database.is_sqlite:
            return Finding("Clock", "one machine, one clock")
        async with database.read() as connection:
            theirs = (
                await connection.execute(text("SELECT extract(epoch FROM clock_timestamp()) * 1000"))
            ).scalar_one()
    finally:
        await database.close()
    difference_ms = abs(int(theirs) - to_ms(utc_now()))
    if difference_ms > MOST_CLOCK_DIFFERENCE_MS:
        return Finding(
            "Clock", f"{difference_ms} ms from the database's", "Let both machines follow a time server (NTP)."
        )
    return Finding("Clock", "agrees with the database's")


async def check_redis(settings: Settings) -> Finding:
    if settings.redis_url is None:
        binary = find_redis_binary()
        runs = await answers(choose_socket(settings.data_dir))
        return Finding("Redis", f"private, {'runs' if runs else 'starts with the service'} ({binary})")
    client = open_redis(settings.redis_url)
    try:
        about = await client.info()
    except (RedisError, OSError, TimeoutError):
        return Finding("Redis", "does not answer", "Check REDIS_URL and that Redis runs.")
    finally:
        await client.aclose()
    version = str(about.get("redis_version", "0"))
    if tuple(int(number) for number in version.split(".")[:2]) < OLDEST_REDIS:
        return Finding("Redis", f"version {version}", "Install Redis 6.2 or later, or Valkey.")
    if about.get("maxmemory_policy") != "noeviction":
        return Finding(
            "Redis", f"maxmemory-policy is {about.get('maxmemory_policy')}", "Set maxmemory-policy to noeviction."
        )
    return Finding("Redis", f"version {version}, answers, evicts nothing")


async def check_assets(_settings: Settings) -> Finding:
    Assets().check_built()
    return Finding("Assets", "built")


async def check_accounts(settings: Settings) -> Finding:
    check_migrated(database_url(settings))
    database = Database(database_url(settings))
    try:
        async with staff_of(settings, database) as staff:
            known = [account for account in await staff.accounts.all() if not account.disabled]
    finally:
        await database.close()
    if any(account.demo for account in known) and not settings.loopback:
        return Finding(
            "Accounts", "demo accounts, whose password is known", "Use another database for the real service."
        )
    missing = [role for role in (Role.ADVISOR, Role.ADMIN) if not any(role in account.roles for account in known)]
    if missing:
        return Finding(
            "Accounts", f"no {' and no '.join(missing)}", "dutyline account add EMAIL --name NAME --role ROLE"
        )
    return Finding("Accounts", f"{len(known)}{' of the demo' if any(account.demo for account in known) else ''}")


async def check_guidance(settings: Settings) -> Finding:
    check_migrated(database_url(settings))
    database = Database(database_url(settings))
    try:
        async with database.read() as connection:
            published = select(func.count()).select_from(article).where(article.c.status == "published")
            count = (await connection.execute(published)).scalar_one()
    finally:
        await database.close()
    if not count:
        return Finding("Guidance", "nothing is published", "dutyline guidance import FOLDER")
    return Finding("Guidance", f"{count} articles published")


async def check_audit(settings: Settings) -> Finding:
    """Walk the whole chain: a row that was changed, removed or added by other means shows here."""
    check_migrated(database_url(settings))
    database = Database(database_url(settings))
    try:
        async with database.read() as connection:
            bad = await AuditLog(Signer.from_file(settings.secret_key_file)).first_bad_row(connection)
    finally:
        await database.close()
    if bad is not None:
        advice = "Somebody changed the record outside the service. Keep a copy of the database and find out who."
        return Finding("Audit", f"does not fit from row {bad} on", advice)
    return Finding("Audit", "the chain is whole")


async def check_mail(settings: Settings) -> Finding:
    """The mail server is greeted and signed in to; nothing is sent."""
    server = mail_server(settings)
    if server is None:
        return Finding("Mail", "not used: what is due for review stands on the editor's page only")
    try:
        await check_mail_server(server)
    except NotSent as problem:
        return Finding("Mail", f"no mail can be sent: {problem}", "Check SMTP_URL, and that the mail server runs.")
    check_migrated(database_url(settings))
    database = Database(database_url(settings))
    try:
        async with database.read() as connection:
            given_up = await count_given_up(connection, MAIL)
    finally:
        await database.close()
    if given_up:
        advice = "The log of the worker says why (mail_not_sent). Check the owners' addresses."
        return Finding("Mail", f"answers; {given_up} could not be sent in the last 30 days", advice)
    return Finding("Mail", "the server answers")


def _others_may_read(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _print(findings: list[Finding]) -> None:
    table = Table("Part", "", "Found", "What to do", box=None)
    for finding in findings:
        state = Text("problem", style="bold red") if finding.advice else Text("ok", style="green")
        table.add_row(finding.part, state, Text(finding.found), Text(finding.advice))
    Console().print(table)
