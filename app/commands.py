"""What the commands do that show or change data and then end."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from app.migrations import check_migrated
from app.offline import Staff, command_settings, database_url, staff_of
from core.audit import AuditLog
from core.clock import utc_now
from core.crypto import Signer
from core.db import Database
from core.errors import NotFound, StartError
from core.people import Role
from knowledge.folder import Outcome, Report, export_folder
from knowledge.folder import Progress as FolderProgress
from knowledge.foreign import Foreign
from knowledge.imports import Importer
from knowledge.rendering import Renderer
from staff.accounts import BY_COMMAND, Account, NewAccount
from staff.passwords import check_new_password
from triage.hours import load_timetable
from triage.office_hours import hours_line, parse_hours, store_always_open, store_hours, timetable_in_words
from triage.skills import is_skill, set_skill, skills_of

NO_ACCOUNT = "There is no account with this e-mail address. dutyline account list shows all."


async def add_account(
    environ: Mapping[str, str], email: str, name: str, roles: frozenset[Role], password: str
) -> Account:
    check_new_password(password)
    async with _staff(environ) as staff:
        password_hash = await staff.passwords.hash(password)
        return await staff.accounts.create(NewAccount(email, name, roles, password_hash))


async def print_accounts(environ: Mapping[str, str]) -> None:
    table = Table("E-mail", "Name", "Roles", "State", box=None)
    async with _staff(environ) as staff:
        for account in await staff.accounts.all():
            state = "disabled" if account.disabled else "demo" if account.demo else ""
            table.add_row(account.email, account.name, ", ".join(sorted(account.roles)), state)
    Console(soft_wrap=True, markup=False, highlight=False).print(table)


async def disable_account(environ: Mapping[str, str], email: str) -> None:
    async with _staff(environ) as staff:
        account = await staff.accounts.by_email(email)
        if account is None:
            raise NotFound(NO_ACCOUNT)
        await staff.accounts.disable(account.id)


async def change_skill(environ: Mapping[str, str], email: str, skill: str, *, has: bool) -> list[str]:
    """From the next offer on. Returns the skills of the account."""
    if not is_skill(skill):
        raise StartError("A skill is a word in small letters, such as welsh.")
    audit = _audit(environ)
    async with _staff(environ) as staff, _database(environ) as database:
        account = await staff.accounts.by_email(email)
        if account is None:
            raise NotFound(NO_ACCOUNT)
        async with database.write() as connection:
            await set_skill(connection, account.id, skill, has=has)
            subject = f"account:{account.id}"
            await audit.append(connection, utc_now(), BY_COMMAND, "skill_set", subject, skill=skill, has=has)
            return await skills_of(connection, account.id)


async def import_guidance(
    environ: Mapping[str, str], folder: Path, *, drafts: bool, dry_run: bool, foreign: Foreign | None
) -> int:
    """All files or none; of another site's files, all that can be taken. Exit status 1 when it could not be done."""
    settings = command_settings(environ)
    async with _database(environ) as database:
        audit, renderer = AuditLog(Signer.from_file(settings.secret_key_file)), Renderer()
        try:
            with _progress() as progress:
                report = await Importer(database, audit, renderer).import_folder(
                    folder,
                    now=utc_now(),
                    publish=not drafts,
                    dry_run=dry_run,
                    progress=progress,
                    foreign=foreign,
                )
        finally:
            await renderer.close()
    _print_report(report, dry_run=dry_run, all_lines=foreign is not None)
    return 0 if report.ok else 1


async def export_guidance(environ: Mapping[str, str], folder: Path) -> int:
    """Returns how many files were written."""
    async with _database(environ) as database:
        try:
            with _progress() as progress:
                return await export_folder(database, folder, progress)
        except OSError as problem:
            raise StartError(f"The folder cannot be written: {problem.strerror}.") from None


@contextmanager
def _progress() -> Iterator[FolderProgress]:
    """A bar on the terminal, or nothing where nobody looks."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def show(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield show


async def hours_in_force(environ: Mapping[str, str]) -> str:
    async with _database(environ) as database, database.read() as connection:
        return timetable_in_words(await load_timetable(connection, utc_now()))


async def set_hours(environ: Mapping[str, str], week: str) -> str:
    """Running processes keep to the new hours within two seconds. Returns what holds now."""
    periods, audit = parse_hours(week), _audit(environ)
    async with _database(environ) as database, database.write() as connection:
        await store_hours(connection, periods)
        await audit.append(connection, utc_now(), BY_COMMAND, "hours_set", "hours", week=hours_line(periods))
        return timetable_in_words(await load_timetable(connection, utc_now()))


async def open_always(environ: Mapping[str, str]) -> str:
    audit = _audit(environ)
    async with _database(environ) as database, database.write() as connection:
        await store_always_open(connection)
        await audit.append(connection, utc_now(), BY_COMMAND, "always_open", "hours")
        return timetable_in_words(await load_timetable(connection, utc_now()))


def _audit(environ: Mapping[str, str]) -> AuditLog:
    return AuditLog(Signer.from_file(command_settings(environ).secret_key_file))


def _print_report(report: Report, *, dry_run: bool, all_lines: bool) -> None:
    console = Console(soft_wrap=True, markup=False, highlight=False, emoji=False)
    for line in report.lines:
        if all_lines or line.outcome is not Outcome.UNCHANGED or line.words.endswith("."):
            remarks = f" ({'; '.join(line.remarks)})" if line.remarks else ""
            console.print(_printable(f"{line.outcome:9}  {line.file}  {line.words}{remarks}"))
    counts = ", ".join(f"{report.count(outcome)} {outcome}" for outcome in Outcome)
    ending = " Nothing was stored (dry run)." if dry_run else ""
    if report.count(Outcome.PROBLEM):
        ending = " Nothing was imported: correct the files above first."
    elif not report.ok:
        ending = " Nothing was imported: no file could be taken."
    console.print(f"{counts}.{ending}")


def _printable(line: str) -> str:
    """What a file holds may be quoted in a line, and must not speak to the terminal."""
    return "".join(character if character.isprintable() else "�" for character in line)


@asynccontextmanager
async def _database(environ: Mapping[str, str]) -> AsyncIterator[Database]:
    url = database_url(command_settings(environ))
    check_migrated(url)
    database = Database(url)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def _staff(environ: Mapping[str, str]) -> AsyncIterator[Staff]:
    settings = command_settings(environ)
    async with _database(environ) as database, staff_of(settings, database) as staff:
        yield staff
