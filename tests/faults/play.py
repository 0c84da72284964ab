"""One run from its beginning to its end: open conversations, break things while everybody talks, heal, compare.

A run prints its seed and two tables; the same seed gives the same schedule of faults.
"""

import contextlib
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.faults.boxes import Network, boxes
from tests.faults.cast import Company, Role, SignIn, Store, engage, spread
from tests.faults.checker import check, describe
from tests.faults.history import Run
from tests.faults.ladder import BRISK, BROWSER, Tempo
from tests.faults.nemesis import Fault, Nemesis
from tests.faults.proxy import Proxy
from tests.faults.report import slowest, table, table_of_ways
from tests.faults.workshop import Workshop
from tests.live import LiveService

CONVERSATIONS_EACH = 4
# From here on a run is long enough for the browser's own patience, and for faults that last a minute.
LONG_S = 60.0

MakeFaults = Callable[[Company, Sequence[Proxy]], Mapping[str, Fault]]


@dataclass(frozen=True, slots=True)
class Plan:
    """One run: how long, under which seed."""

    seconds: float
    seed: int

    @property
    def is_long(self) -> bool:
        return self.seconds >= LONG_S

    @property
    def tempo(self) -> Tempo:
        return BROWSER if self.is_long else BRISK


async def rage(
    plan: Plan,
    service: LiveService,
    advisors: Sequence[SignIn],
    faults: MakeFaults,
    workshop: Workshop,
    store: Store,
) -> Run:
    """The run, which the checker found nothing wrong with."""
    rng = random.Random(plan.seed)
    cast = spread(await workshop.do(engage, service.url, advisors, CONVERSATIONS_EACH, rng), rng)
    service.secret_texts.update(_secrets(cast))
    async with contextlib.AsyncExitStack() as stack:
        ways = await stack.enter_async_context(_ways(service, plan.tempo))
        ports = {network: [proxy.port for proxy in proxies] for network, proxies in ways.items()}
        company = Company(service.url, ports, cast, rng, tempo=plan.tempo)
        stack.push_async_callback(company.stop)
        everywhere = [proxy for proxies in ways.values() for proxy in proxies]
        nemesis = Nemesis(faults(company, everywhere), rng, company.unserved)
        company.start()
        try:
            await nemesis.rage(plan.seconds, spare_none=plan.is_long)
        finally:
            await company.finish_talking()
            stored = await store.read(company)
            await company.settle(stored)
            company.look_again()
            await company.settle(stored)
            run = company.leave(stored, nemesis.injected)
            findings = check(run)
            tables = table(run, findings), table_of_ways(run, findings), slowest(run)
            print(f"\nseed {plan.seed}", *tables, sep="\n\n")
        assert not findings, f"seed {plan.seed}\n{describe(findings)}"
    return run


@contextlib.asynccontextmanager
async def _ways(service: LiveService, tempo: Tempo) -> AsyncIterator[dict[Network, list[Proxy]]]:
    """A way to each web process through each kind of network."""
    ports = [part.port for part in service.parts.values() if part.port is not None]
    async with contextlib.AsyncExitStack() as stack:
        yield {
            network: [await stack.enter_async_context(Proxy(port, make_box)) for port in ports]
            for network, make_box in boxes(tempo).items()
        }


def _secrets(cast: Sequence[Role]) -> set[str]:
    """What no log may hold: a word of each conversation, and what opens doors."""
    marks = {mark for role in cast for mark in role.marks.values()}
    cookies = {pair.partition("=")[2] for role in cast for pair in role.cookies.split("; ")}
    tokens = {role.token for role in cast}
    return {word for word in marks | cookies | tokens if len(word) > 8}
