"""Static files under one address that changes with their content, so that browsers may keep them for ever.

`asset("js/main.js")` is `/static/<hash of all files>/js/main.js`: a module's relative imports stay within the same build.
"""

import gzip
import hashlib
import re
from mimetypes import guess_type
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from core.errors import StartError

STATIC = Path(__file__).parent.parent / "static"
BUILT = "dist/css/public.css"
COMPRESSED = (".css", ".js", ".svg")
IMPORTED = re.compile(r"^(?:import|export) [^'(]*?'\./(\w+\.js)'", re.MULTILINE)


class Assets(StaticFiles):
    """Serves the files and names their addresses."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)
        files = sorted(path for path in STATIC.rglob("*") if path.is_file())
        digest = hashlib.sha256()
        for path in files:
            digest.update(str(path.relative_to(STATIC)).encode() + b"\0" + path.read_bytes())
        self.build = digest.hexdigest()[:12]
        self._modules: dict[str, tuple[str, ...]] = {}
        self._zipped: dict[str, bytes] = {}
        """Texts as they are sent to browsers, compressed when they are first asked for; the files are few and do not change."""
        self._names = {str(path.relative_to(STATIC)) for path in files}

    def check_built(self) -> None:
        if BUILT not in self._names:
            raise StartError("The style sheets are not built. Run make run, or npm ci && npm run build.")

    def url(self, name: str) -> str:
        """The address of `css/public.css` or `js/main.js`; built files go before sources."""
        found = next((known for known in (f"dist/{name}", name) if known in self._names), None)
        if found is None:
            raise StartError(
                f"The page asks for the file {name}, which is not built. Run make run, or npm ci && npm run build."
            )
        return f"/static/{self.build}/{found}"

    def modules(self, name: str) -> tuple[str, ...]:
        """The addresses of a script and of all that it imports, so that a page can ask for them at once, not one by one."""
        found = self._modules.get(name)
        if found is None:
            wanted = [f"{name}.js"]
            for one in wanted:
                source = (STATIC / "js" / one).read_text("utf-8")
                wanted += [other for other in IMPORTED.findall(source) if other not in wanted]
            found = self._modules[name] = tuple(self.url(f"js/{one}") for one in wanted)
        return found

    def get_path(self, scope: Scope) -> str:
        path = super().get_path(scope)
        return path.removeprefix(f"{self.build}/")

    async def get_response(self, path: str, scope: Scope) -> Response:
        kept = f"/static/{self.build}/" in scope["path"]
        lasting = {"Cache-Control": "public, max-age=31536000, immutable" if kept else "no-cache"}
        if kept and path in self._names and path.endswith(COMPRESSED) and takes_gzip(_accepted(scope)):
            content = self._zipped.get(path)
            if content is None:
                content = self._zipped[path] = gzip.compress((STATIC / path).read_bytes(), 9, mtime=0)
            zipped = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
            return Response(content, headers=lasting | zipped, media_type=guess_type(path)[0])
        response = await super().get_response(path, scope)
        response.headers.update(lasting)
        if path.endswith(COMPRESSED):
            response.headers["Vary"] = "Accept-Encoding"
        return response


def takes_gzip(accepted: bytes) -> bool:
    """Whether this Accept-Encoding asks for it; spaces may stand around the weight (RFC 9110, 12.4.2)."""
    return b"gzip" in accepted and b"gzip;q=0" not in accepted.replace(b" ", b"")


def _accepted(scope: Scope) -> bytes:
    return next((value for name, value in scope["headers"] if name == b"accept-encoding"), b"")
