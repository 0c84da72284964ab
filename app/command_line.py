"""The commands of `dutyline` and what may be said to each.

Each imports what it needs when it runs, and this module itself is imported only for commands that end soon
(`app.cli`).
"""

import asyncio
import os
import sys
from getpass import getpass
from pathlib import Path
from typing import Annotated

import typer

from app import cli as services
from core.errors import StartError
from core.people import Role
from knowledge.words import Audience

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Dutyline: a webchat in which professionals get advice from an advisor on duty.",
)
accounts = typer.Typer(no_args_is_help=True, help="Accounts of staff.")
guidance = typer.Typer(no_args_is_help=True, help="Articles as a folder of Markdown files.")
hours = typer.Typer(no_args_is_help=True, help="When the service is open.")
cli.add_typer(accounts, name="account")
cli.add_typer(guidance, name="guidance")
cli.add_typer(hours, name="hours")


@cli.command()
def run() -> None:
    """Set up and serve the demo: web, worker, database and Redis in one."""
    raise typer.Exit(services.run())


@cli.command()
def web() -> None:
    """Serve the pages. Starts only with every setting in place."""
    raise typer.Exit(services.web())


@cli.command(hidden=True)
def web_process(
    socket_fd: Annotated[int, typer.Option()], ready_fd: Annotated[int, typer.Option()], demo: bool = False
) -> None:
    """One of several web processes, started by their parent."""
    raise typer.Exit(services.web_process(socket_fd, ready_fd, demo=demo))


@cli.command()
def worker() -> None:
    """Erase what is past its retention, and tidy up. Any number may run; one leads."""
    raise typer.Exit(services.worker())


@cli.command()
def migrate() -> None:
    """Bring the database to the form of this version."""
    from app.migrations import head, migrate
    from app.offline import migration_url, write_privately

    write_privately()
    migrate(migration_url(os.environ))
    print(f"The database has the form {head()}.")


@accounts.command("add")
def add_account(
    email: str,
    name: Annotated[str, typer.Option(help="The name that visitors and colleagues see.")],
    role: Annotated[list[Role], typer.Option(help="May be given several times.")],
) -> None:
    """Create an account. The password is asked for twice, or read from stdin."""
    from app.commands import add_account as add

    account = asyncio.run(add(os.environ, email, name, frozenset(role), _ask_password()))
    print(f"{account.email} may sign in as {', '.join(sorted(account.roles))}.")


@accounts.command("list")
def list_accounts() -> None:
    """Show every account."""
    from app.commands import print_accounts

    asyncio.run(print_accounts(os.environ))


@accounts.command("disable")
def disable_account(email: str) -> None:
    """Close an account and end its sessions. What it did stays on record."""
    from app.commands import disable_account as disable

    asyncio.run(disable(os.environ, email))
    print("The account is disabled and its sessions have ended.")


@accounts.command("skill")
def change_skill(
    email: str,
    skill: Annotated[str, typer.Argument(help="What this advisor can take that not everybody can, such as welsh.")],
    remove: Annotated[bool, typer.Option("--remove", help="They do not have it any longer.")] = False,
) -> None:
    """Say what an advisor is able to take. Conversations that ask for it go to them first."""
    from app.commands import change_skill as change

    skills = asyncio.run(change(os.environ, email, skill, has=not remove))
    print(f"Skills of {email}: {', '.join(skills) or 'none'}.")


@guidance.command("import")
def import_guidance(
    folder: Path,
    drafts: Annotated[bool, typer.Option("--drafts", help="As drafts, for an editor to publish.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    foreign: Annotated[
        bool, typer.Option("--foreign", help="Another site's Markdown: take what can be taken, and say what cannot.")
    ] = False,
    audience: Annotated[
        Audience | None, typer.Option(help="Who may read another site's articles; without it, staff only.")
    ] = None,
) -> None:
    """Publish a folder of Markdown files with front matter. All of them or, when one is bad, none."""
    from app.commands import import_guidance as read
    from knowledge.foreign import Foreign

    if audience is not None and not foreign:
        raise StartError("--audience belongs to --foreign. Our own files say in their front matter who may read them.")
    site = Foreign(audience or Audience.ADVISORS, takes_drafts=drafts) if foreign else None
    raise typer.Exit(asyncio.run(read(os.environ, folder, drafts=drafts, dry_run=dry_run, foreign=site)))


@guidance.command("export")
def export_guidance(folder: Path) -> None:
    """Write every published article into a folder, one Markdown file each."""
    from app.commands import export_guidance as write

    print(f"{asyncio.run(write(os.environ, folder))} articles written.")


@hours.command("show")
def show_hours() -> None:
    """Say when the service is open."""
    from app.commands import hours_in_force

    print(asyncio.run(hours_in_force(os.environ)))


@hours.command("set")
def set_hours(week: Annotated[str, typer.Argument(help='As in "mon-fri 9:30-17:00; sat 10:00-12:00".')]) -> None:
    """Open at these hours of each week, London time. They replace those before."""
    from app.commands import set_hours as change

    print(asyncio.run(change(os.environ, week)))


@hours.command("always")
def always_open() -> None:
    """Open round the clock."""
    from app.commands import open_always

    print(asyncio.run(open_always(os.environ)))


@cli.command()
def doctor() -> None:
    """Check every part and say what to do about those that are not well."""
    from app.doctor import examine

    raise typer.Exit(examine(os.environ))


def _ask_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass("Password: ")
    if getpass("The same again: ") != password:
        raise StartError("The two passwords differ. Nothing was done.")
    return password
