"""Two things at the same moment, at the doors of two processes: one outcome, and everybody is told the one that happened."""

import asyncio
import uuid
from collections.abc import Awaitable, Sequence

import httpx
import pytest
from sqlalchemy import select, update

from chat.events import SYSTEM_AUTHOR, Entry
from chat.tables import conversation
from chat.words import Kind, Status
from core.clock import utc_now
from staff.tables import account
from tests.chat.house import House, WebProcess
from tests.chat.people import Ada, Cora, Frame

ROUNDS = 4


async def put_back(process: WebProcess, reference: str) -> None:
    """Into the line again, as a hand-over or the loss of its advisor does."""
    parts = process.parts
    found = await parts.conversations.by_reference(reference)
    assert found is not None
    async with process.database.write() as connection:
        mine = update(conversation).where(
            conversation.c.id == found.id, conversation.c.claim_epoch == found.claim_epoch
        )
        await connection.execute(mine.values(status=Status.WAITING, advisor_id=None))
        events = await parts.log.append(connection, found.id, Entry(Kind.REQUEUED, SYSTEM_AUTHOR))
    parts.log.announce(events)


async def say_many(advisor: Cora, reference: str, texts: Sequence[str]) -> list[httpx.Response]:
    headers = {"X-CSRF-Token": await advisor.form_token()}
    path = advisor.path(reference, "/messages")
    documents = [{"id": str(uuid.uuid4()), "text": text} for text in texts]
    return await asyncio.gather(*(advisor.http.post(path, json=one, headers=headers) for one in documents))


def told(answers: Sequence[httpx.Response]) -> set[tuple[int, str | None]]:
    return {(answer.status_code, answer.json().get("code")) for answer in answers}


async def test_saying_and_losing_the_conversation_at_once(two_processes: House) -> None:
    """Stored before it went to somebody else, or refused and kept; nothing of hers stands behind the hand-over."""
    here, there = two_processes.processes
    async with (
        Ada(two_processes, there) as ada,
        await Cora.hired(two_processes, "Cora", here) as cora,
        await Cora.hired(two_processes, "Dev", there) as dev,
    ):
        reference = await ada.ask()
        await cora.take(reference)

        async def hand_over() -> None:
            await put_back(there, reference)
            await dev.take(reference)

        texts = [f"answer {number}" for number in range(24)]
        answers, _ = await asyncio.gather(say_many(cora, reference, texts), hand_over())
        late = await say_many(cora, reference, ["too late"])
        assert told(late) == {(409, "assignment_lost")}
        assert told(answers) <= {(201, None), (409, "assignment_lost")}
        events = await ada.log()
        check_numbers(events)
        away = next(one["seq"] for one in events if one["kind"] == "requeued")
        hers = {one["text"]: one["seq"] for one in events if one["text"].startswith("answer ")}
        assert all(seq < away for seq in hers.values())
        acknowledged = {answer.json()["seq"] for answer in answers if answer.status_code == 201}
        assert set(hers.values()) == acknowledged
        assert (await dev.say(reference, "Hello from here")).status_code == 201


async def test_an_older_claim_does_not_come_back_by_itself(two_processes: House) -> None:
    """Lost to a colleague and got again: what was refused between is stored only when it is sent again."""
    here, there = two_processes.processes
    async with (
        Ada(two_processes, here) as ada,
        await Cora.hired(two_processes, "Cora", here) as cora,
        await Cora.hired(two_processes, "Dev", there) as dev,
    ):
        reference, given = await ada.ask(), uuid.uuid4()
        await cora.take(reference)
        await put_back(there, reference)
        await dev.take(reference)
        assert (await cora.say(reference, "Are you there?", given)).status_code == 409
        await put_back(here, reference)
        await cora.take(reference)
        assert "Are you there?" not in {one["text"] for one in await ada.log()}
        again = await cora.say(reference, "Are you there?", given)
        assert (again.status_code, again.json()["again"]) == (201, False)


async def test_everybody_says_and_the_advisor_ends_at_once(two_processes: House) -> None:
    """By socket and by POST, at both processes: stored before the end, or refused as ended."""
    here, there = two_processes.processes
    async with Ada(two_processes, there) as ada, await Cora.hired(two_processes, "Cora", here) as cora:
        reference = await ada.ask()
        await cora.take(reference)
        async with ada.line() as line:
            await line.hello()

            async def speak(number: int) -> Frame:
                given = str(uuid.uuid4())
                await line.send("say", conversation=reference, id=given, text=f"word {number}")
                return {"id": given}

            said, answers, _ = await asyncio.gather(
                asyncio.gather(*map(speak, range(12))),
                say_many(cora, reference, [f"answer {number}" for number in range(12)]),
                cora.end(reference),
            )
            await line.closed()
            outcomes = {frame.get("id"): frame for frame in line.seen if frame["type"] in ("ack", "error")}
        events = await ada.log()
        check_numbers(events)
        assert events[-1]["kind"] == "ended"
        assert told(answers) <= {(201, None), (409, "ended")}
        stored = {one["id"]: one["seq"] for one in events if one["id"]}
        for one in said:
            outcome = outcomes.get(one["id"])
            if outcome is not None and outcome["type"] == "ack":
                assert stored[one["id"]] == outcome["seq"]
            elif outcome is not None:
                assert (outcome["code"], one["id"] in stored) == ("ended", False)
            # Closed before its answer: sent again, it is answered, with the number that it has.
            again = await ada.post_json("/chat/messages", {"id": one["id"], "text": f"word {said.index(one)}"})
            expected = (201, stored[one["id"]]) if one["id"] in stored else (409, None)
            assert (again.status_code, again.json().get("seq")) == expected


async def test_fifty_claims_of_one(two_processes: House) -> None:
    """One has it and 49 are told that it is taken; the winner who asks again is told that it is theirs."""
    here, there = two_processes.processes
    async with Ada(two_processes) as ada:
        reference = await ada.ask()
        crowd = [await Cora.hired(two_processes, f"Advisor {n}", (here, there)[n % 2]) for n in range(50)]
        try:
            answers = await at_once(crowd, f"/desk/conversations/{reference}/accept")
            assert sorted(answer.status_code for answer in answers) == [200] + [409] * 49
            assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"already_taken"}
            winner = crowd[[answer.status_code for answer in answers].index(200)]
            again = await winner.post_json(winner.path(reference, "/accept"), {})
            assert (again.status_code, again.json()["again"]) == (200, True)
        finally:
            for one in crowd:
                await one.http.aclose()
        assert [one["kind"] for one in await ada.log()].count("joined") == 1


@pytest.mark.parametrize("door", ["accept", "next"])
async def test_at_capacity_twice_at_once(two_processes: House, door: str) -> None:
    """Room for one: two claims of one advisor, one at each process, take one."""
    here, there = two_processes.processes
    async with (
        await Cora.hired(two_processes, "Cora", here) as cora,
        Cora(two_processes, there) as same,
    ):
        same.http.cookies.update(cora.http.cookies)
        async with here.database.write() as connection:
            mine = update(account).where(account.c.id == cora.person.account_id)
            await connection.execute(mine.values(capacity=1))
        for _ in range(ROUNDS):
            async with Ada(two_processes) as ada, Ada(two_processes) as ben:
                references = [await ada.ask(), await ben.ask()]
                paths = ["/desk/next"] * 2 if door == "next" else [cora.path(one, "/accept") for one in references]
                tokens = [await cora.form_token(), await same.form_token()]
                answers = await asyncio.gather(
                    *(
                        one.http.post(path, json={}, headers={"X-CSRF-Token": token})
                        for one, path, token in zip((cora, same), paths, tokens, strict=True)
                    )
                )
                assert sorted(answer.status_code for answer in answers) == [200, 409]
                assert {answer.json().get("code") for answer in answers} == {None, "at_capacity"}
                await clear(two_processes, references)


async def clear(house: House, references: Sequence[str]) -> None:
    """All of these are over."""
    async with house.first.database.write() as connection:
        these = update(conversation).where(conversation.c.reference.in_(references))
        await connection.execute(these.values(status=Status.ENDED, ended_at=utc_now()))
        held = select(conversation.c.id).where(conversation.c.status == Status.ACTIVE)
        assert (await connection.execute(held)).all() == []


async def at_once(crowd: Sequence[Cora], path: str) -> list[httpx.Response]:
    # Only what they ask for must come at once.
    tokens = [await one.form_token() for one in crowd]

    def post(one: Cora, token: str) -> Awaitable[httpx.Response]:
        return one.http.post(path, json={}, headers={"X-CSRF-Token": token})

    return await asyncio.gather(*map(post, crowd, tokens))


def check_numbers(events: Sequence[Frame]) -> None:
    assert [one["seq"] for one in events] == list(range(1, len(events) + 1))
