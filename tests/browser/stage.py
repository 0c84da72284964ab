"""Where the story is played: the service on one engine, a browser for visitors and one for staff.

On PostgreSQL there are two web processes: visitors reach the first, staff the second, under the same address.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext

from tests.browser.pages import opened
from tests.forks import ROOT
from tests.live import DEMO_PASSWORD, LiveService

STAFF = {
    "advisor@example.org": ("Cora Hughes", "advisor"),
    "editor@example.org": ("Eve Martin", "editor"),
    "editor2@example.org": ("Nia Owen", "editor"),
}
DESK_WINDOW = {"width": 1440, "height": 900}


@dataclass(frozen=True, slots=True)
class Stage:
    service: LiveService
    front: Browser
    desk: Browser

    def visitor(self, **options: Any) -> AbstractAsyncContextManager[BrowserContext]:
        return opened(self.front, self.service.url, self.service.is_own, **options)

    def staff(self) -> AbstractAsyncContextManager[BrowserContext]:
        return opened(self.desk, self.service.url, self.service.is_own, viewport=DESK_WINDOW)

    @property
    def web_parts(self) -> list[str]:
        """The names of the web processes."""
        return [part.name for part in self.service.parts.values() if part.port is not None]


@contextmanager
def two_web_processes(folder: Path, database_url: str, redis_url: str) -> Iterator[LiveService]:
    """What an operator starts, with real accounts and the guidance of the demo. Rate limits stay on."""
    engines = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
    with LiveService(folder, web=2, workers=1, environment=engines) as service:
        for email, (name, role) in STAFF.items():
            added = service.command("account", "add", email, "--name", name, "--role", role, stdin=f"{DEMO_PASSWORD}\n")
            assert added.returncode == 0, added.stderr
        imported = service.command("guidance", "import", str(ROOT / "guidance"))
        assert imported.returncode == 0, imported.stdout + imported.stderr
        yield service


@asynccontextmanager
async def at_second(launch: Any, service: LiveService) -> AsyncIterator[Browser]:
    """A browser that reaches the second web process under the address of the first."""
    there = f"MAP 127.0.0.1:{service.port('web-0')} 127.0.0.1:{service.port('web-1')}"
    browser = await launch(f"--host-resolver-rules={there}")
    yield browser
    await browser.close()
