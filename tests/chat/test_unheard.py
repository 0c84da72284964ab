"""Who has a conversation changes, and nobody says so: whoever did it died after its commit, or no process hears another."""

from pathlib import Path
from typing import Any

import pytest

from chat import fanout
from tests.chat.house import House, WebProcess, opened
from tests.chat.people import Ada, Cora
from tests.engines import free_port
from tests.waiting import until


def silence(process: WebProcess, patch: pytest.MonkeyPatch) -> None:
    """As if it died each time between its commit and its hint."""
    patch.setattr(process.parts.signals, "send", lambda *hint: None)


async def test_a_hand_over_that_nobody_told_of(two_processes: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The colleague gets every word, and whoever had it none of what is said after it was taken away."""
    first, second = two_processes.processes
    async with (
        Ada(two_processes, second) as ada,
        await Cora.hired(two_processes, at=second) as cora,
        await Cora.hired(two_processes, "Dev", second) as dev,
    ):
        reference = await ada.ask()
        await cora.take(reference)
        async with cora.line() as hers, dev.line() as his:
            await hers.hello()
            await his.hello()
            await hers.expect("caught_up")
            silence(first, monkeypatch)
            cora.move_to(first)

            async def is_handed_over() -> bool:
                # To somebody whose desk is known to be open.
                answer = await cora.post(cora.path(reference, "/transfer"), {"to": dev.person.account_id})
                return bool(answer.headers.get("location") == "/desk?said=transferred")

            await until(is_handed_over, what="the hand-over")
            await his.expect("caught_up", conversation=reference)
            await hers.expect("error", code="assignment_lost", conversation=reference)
            await ada.say("For Dev alone.")
            await his.expect("event", text="For Dev alone.")
            await hers.quiet()
            assert "For Dev alone." not in [event["text"] for event in hers.events()]


async def test_taking_it_again_tells_what_taking_it_did_not(
    two_processes: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer was cut and she clicks once more: her desk, at another process, has it without waiting for a look."""
    first, second = two_processes.processes
    async with Ada(two_processes) as ada, await Cora.hired(two_processes, at=second) as cora:
        reference = await ada.ask()
        async with cora.line() as desk:
            await desk.hello()
            cora.move_to(first)
            monkeypatch.setattr(fanout.Fanout, "_look_again", lambda *_: None)
            with monkeypatch.context() as patch:
                silence(first, patch)
                await cora.take(reference)
            answer = await cora.post(cora.path(reference, "/accept"), None, accept="application/json")
            assert answer.json()["again"] is True
            await desk.expect("caught_up", conversation=reference)


async def test_a_desk_where_nothing_goes_on_hears_without_redis(tmp_path: Path, database_url: str) -> None:
    """No conversation is followed in its process before she takes her first in another."""
    nowhere = f"redis://127.0.0.1:{free_port()}"
    async with opened(tmp_path, database_url, nowhere, processes=2) as house:
        first, second = house.processes
        async with Ada(house, first) as ada, await Cora.hired(house, at=second) as cora:
            reference = await ada.ask()
            async with cora.line() as desk:
                await desk.hello()
                cora.move_to(first)
                await cora.take(reference)
                await ada.say("Are you there?")
                await desk.expect("event", text="Are you there?")


async def test_a_device_that_was_left_is_let_go_of_unheard(
    two_processes: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ada goes on elsewhere, and the device that she left is not told: it is asked about in its turn."""
    first, second = two_processes.processes
    monkeypatch.setattr(fanout, "VISITORS_LOOK_WHILE_HEALTHY", 1)
    async with Ada(two_processes, second) as ada, Ada(two_processes, first) as elsewhere:
        reference, code = await ada.ask_and_read_code()
        async with ada.line() as left:
            await left.hello()
            silence(first, monkeypatch)
            fields: dict[str, Any] = {"reference": reference, "resume_code": code}
            assert (await elsewhere.post("/resume", fields)).status_code == 303
            assert await left.closed() == 4104
