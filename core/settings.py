"""Settings: read once from the environment, at the edge, and never again.

A wrong value stops the start with the setting's name and what it should be, never with the value itself.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from core.errors import StartError

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Settings:
    """One value for each row of the table in README.md. `None` means that the part is not used."""

    host: str
    port: int
    base_url: str
    data_dir: Path
    database_url: str | None
    redis_url: str | None
    web_concurrency: int
    master_keys_file: Path
    secret_key_file: Path
    metrics_token: str | None
    trusted_proxies: tuple[str, ...]
    smtp_url: str | None
    oidc_issuer: str | None
    oidc_client_id: str | None
    oidc_client_secret_file: Path | None
    rate_limits: bool
    demo_password: str | None
    demo: bool

    @property
    def origins(self) -> frozenset[str]:
        """The origins whose forms and sockets are ours; on loopback each of its names is."""
        parts = urlsplit(self.base_url)
        if parts.hostname not in LOOPBACK_NAMES:
            return frozenset({self.base_url})
        port = f":{parts.port}" if parts.port else ""
        return frozenset(f"{parts.scheme}://{name}{port}" for name in ("localhost", "127.0.0.1", "[::1]"))

    @property
    def hosts(self) -> frozenset[str]:
        """Values of the Host header that are ours, in lower case."""
        return frozenset(urlsplit(origin).netloc.lower() for origin in self.origins)

    @property
    def https(self) -> bool:
        return self.base_url.startswith("https://")

    @property
    def loopback(self) -> bool:
        return urlsplit(self.base_url).hostname in LOOPBACK_NAMES


def read_settings(environ: Mapping[str, str], *, demo: bool = False) -> Settings:
    """Read and check every setting. `demo` is `dutyline run`, which makes what is missing; without it, keys are required."""
    host = environ.get("HOST", "127.0.0.1")
    port = _whole_number(environ, "PORT", 8000, 0, 65535)
    data_dir = Path(environ.get("DATA_DIR", "data")).absolute()
    settings = Settings(
        host=host,
        port=port,
        base_url=_base_url(environ, host, port),
        data_dir=data_dir,
        database_url=_url(environ, "DATABASE_URL", ("postgresql",), "postgresql://user:password@host/name"),
        redis_url=_url(environ, "REDIS_URL", ("redis", "rediss", "unix"), "redis://host:6379/0 or unix:///path"),
        web_concurrency=_whole_number(environ, "WEB_CONCURRENCY", 1, 1, 64),
        master_keys_file=_file(environ, "MASTER_KEYS_FILE", data_dir / "master.keys", demo),
        secret_key_file=_file(environ, "SECRET_KEY_FILE", data_dir / "secret.key", demo),
        metrics_token=environ.get("METRICS_TOKEN") or None,
        trusted_proxies=_networks(environ, "TRUSTED_PROXIES"),
        smtp_url=_url(environ, "SMTP_URL", ("smtp", "smtps"), "smtp://user:password@host:587"),
        oidc_issuer=_url(environ, "OIDC_ISSUER", ("https", "http"), "https://issuer.example"),
        oidc_client_id=environ.get("OIDC_CLIENT_ID") or None,
        oidc_client_secret_file=Path(path) if (path := environ.get("OIDC_CLIENT_SECRET_FILE")) else None,
        rate_limits=_switch(environ, "RATE_LIMITS", default=True),
        demo_password=environ.get("DEMO_PASSWORD") or None,
        demo=demo,
    )
    _check_together(settings)
    return settings


def _check_together(settings: Settings) -> None:
    if not settings.rate_limits and settings.host not in LOOPBACK_NAMES:
        raise StartError("RATE_LIMITS=off is for load tests on this machine only. Set HOST to 127.0.0.1 or remove it.")
    if settings.demo and not settings.loopback:
        raise StartError(
            "dutyline run is the demo and needs a loopback BASE_URL. Use dutyline web and dutyline worker."
        )
    if not settings.demo and settings.demo_password:
        raise StartError("DEMO_PASSWORD belongs to dutyline run only. Remove it.")
    if settings.metrics_token is not None and len(settings.metrics_token) < 16:
        raise StartError("METRICS_TOKEN is too short. Use at least 16 random characters.")


def _whole_number(environ: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = environ.get(name, "").strip() or str(default)
    if not re.fullmatch(r"[0-9]{1,6}", text) or not least <= int(text) <= most:
        raise StartError(f"{name} must be a whole number from {least} to {most}.")
    return int(text)


def _switch(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = environ.get(name, "").strip().lower() or ("on" if default else "off")
    if text not in ("on", "off"):
        raise StartError(f"{name} must be on or off.")
    return text == "on"


def _url(environ: Mapping[str, str], name: str, schemes: tuple[str, ...], example: str) -> str | None:
    text = environ.get(name, "").strip()
    if not text:
        return None
    problem = StartError(f"{name} is not an address the service can use. It should look like {example}.")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise problem from None
    if parts.scheme not in schemes or not (parts.netloc or parts.path):
        raise problem
    return text


def _base_url(environ: Mapping[str, str], host: str, port: int) -> str:
    text = environ.get("BASE_URL", "").strip().rstrip("/")
    if not text:
        shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
        return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        raise StartError("BASE_URL must be http(s)://name[:port] without a path.")
    return text.lower()


def _file(environ: Mapping[str, str], name: str, made: Path, demo: bool) -> Path:
    text = environ.get(name, "").strip()
    if text:
        path = Path(text).absolute()
        if not path.is_file():
            raise StartError(f"{name} names a file that is not there or cannot be read.")
        return path
    if not demo:
        raise StartError(
            f"{name} is missing. It names the file that holds the key; dutyline doctor shows how to make one."
        )
    return made


def _networks(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    networks = tuple(part.strip() for part in environ.get(name, "").split(",") if part.strip())
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            raise StartError(f"{name} must list IP addresses or networks, separated by commas.") from None
    return networks
