"""The check of sign-ins of every few seconds, and who comes while it runs."""

from contextlib import AsyncExitStack

from tests.chat.house import House
from tests.chat.people import Cora


async def test_who_comes_during_the_check_stays(one_house: House) -> None:
    async with (
        await Cora.hired(one_house) as cora,
        await Cora.hired(one_house, "Dev") as dev,
        cora.line() as desk,
        AsyncExitStack() as late,
    ):
        await desk.hello()
        lines = []

        async def live(tokens: set[str]) -> set[str]:
            """It takes its time, as with a database that is busy."""
            lines.append(await late.enter_async_context(dev.line()))
            await lines[0].hello()
            return tokens

        await one_house.first.parts.fanout.close_unless(live)
        await desk.quiet()
        await lines[0].quiet()
