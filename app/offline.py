"""The parts that a command needs while no service runs, or beside one: its settings, its database, its accounts."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from core.audit import AuditLog
from core.crypto import Signer
from core.db import Database
from core.settings import Settings, read_settings
from core.signals import Signals, open_redis
from core.sqlite import sqlite_url
from staff.accounts import Accounts
from staff.passwords import Passwords
from staff.sessions import Sessions

KEY_FILES = {"MASTER_KEYS_FILE": "master.keys", "SECRET_KEY_FILE": "secret.key"}


@dataclass(frozen=True, slots=True)
class Staff:
    accounts: Accounts
    passwords: Passwords


def command_settings(environ: Mapping[str, str]) -> Settings:
    """The settings for a command beside the service, be it `run` or `web`: the demo's keys are found in DATA_DIR."""
    folder = Path(environ.get("DATA_DIR", "data")).absolute()
    found = {name: str(folder / file) for name, file in KEY_FILES.items() if (folder / file).is_file()}
    given = {name: value for name, value in environ.items() if value and name != "DEMO_PASSWORD"}
    return read_settings(found | given)


def migration_url(environ: Mapping[str, str]) -> str:
    """Where the database is. Nothing else has to be set, so that a release can migrate before there are keys."""
    wanted = {name: environ[name] for name in ("DATA_DIR", "DATABASE_URL") if name in environ}
    settings = read_settings(wanted, demo=True)
    return database_url(settings)


def write_privately() -> None:
    """From here on, files that this process makes are for its own account: the database, its log of changes, sockets."""
    os.umask(0o077)


def database_url(settings: Settings) -> str:
    return settings.database_url or sqlite_url(settings.data_dir)


@asynccontextmanager
async def staff_of(settings: Settings, database: Database) -> AsyncIterator[Staff]:
    """Accounts, changed from outside the service. Its processes see a change within five seconds."""
    audit = AuditLog(Signer.from_file(settings.secret_key_file))
    redis, passwords = open_redis(settings.redis_url or f"unix://{settings.data_dir / 'redis.sock'}"), Passwords()
    # These signals are never run: what is sent stays here, and nothing is connected to.
    sessions = Sessions(database, Signals(redis, "dutyline"), cookie="session")
    try:
        yield Staff(Accounts(database, audit, sessions), passwords)
    finally:
        passwords.close()
        await redis.aclose()
