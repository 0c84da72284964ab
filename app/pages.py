"""The template environment: what every page may use, and how times are said."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket

from chat.frames import BUILD
from core.assets import Assets
from core.clock import LONDON, Clock

TEMPLATES = Path(__file__).parent.parent / "templates"


@dataclass(frozen=True, slots=True)
class Service:
    """How the service presents itself."""

    name: str = "Dutyline"
    phone: str = "0808 802 4040"
    emergency_text: str = "If anyone is in immediate danger, call 999 now. This service is not an emergency service."


class Compiled(BytecodeCache):
    """Templates compiled in this process, so that a second environment in it does not compile them again."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


_COMPILED = Compiled()


def make_templates(assets: Assets, now: Clock) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        auto_reload=False,
        bytecode_cache=_COMPILED,
        cache_size=-1,
    )
    environment.globals.update(
        service=Service(),
        lang="en",
        _=in_language,
        asset=assets.url,
        modules=assets.modules,
        build=BUILD,
        server_now=now,
    )
    environment.filters.update(clock=clock, day=day, date=date_words, ordinal_day=day)
    return environment


def in_language(sentence: str) -> str:
    """The sentence in the page's language. Pages are written in English; it is the key of every other language."""
    return sentence


def clock(moment: datetime) -> str:
    """14:05"""
    return f"{moment.astimezone(LONDON):%H:%M}"


def day(moment: datetime) -> str:
    """Monday 23 November"""
    local = moment.astimezone(LONDON)
    return f"{local:%A} {local.day} {local:%B}"


def date_words(moment: datetime | date) -> str:
    """23 November 2026"""
    local = moment.astimezone(LONDON) if isinstance(moment, datetime) else moment
    return f"{local.day} {local:%B} {local.year}"
