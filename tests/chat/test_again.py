"""What is sent again is answered as it was the first time, however its id is written and whatever is looked for in it."""

import uuid

import pytest

from tests.chat.people import Ada, Cora

NAMES = "His NHS number is 943 476 5919."


async def test_what_was_confirmed_is_not_held_when_it_comes_again(ada: Ada) -> None:
    """By every door: a client keeps the id and the text, and not what was answered to a hold."""
    given, other = uuid.uuid4(), uuid.uuid4()
    async with ada.line() as line:
        await line.hello()
        assert (await line.say(ada.reference, NAMES, given))["type"] == "hold"
        ack = await line.say(ada.reference, NAMES, given, confirm=True)
        again = await line.say(ada.reference, NAMES, given)
        assert (again["type"], again["seq"], again["again"]) == ("ack", ack["seq"], True)
        assert (await line.say(ada.reference, f"{NAMES} Twice.", given))["code"] == "id_conflict"
        assert (await line.say(ada.reference, NAMES, other))["type"] == "hold", "another message is held like any"
    posted = await ada.say(NAMES, given)
    assert (posted.status_code, posted.json()["seq"], posted.json()["again"]) == (201, ack["seq"], True)
    assert (await ada.say(NAMES, other)).status_code == 409
    form = await ada.post("/chat/messages", {"id": str(given), "text": NAMES})
    assert form.status_code == 303
    assert [event["text"] for event in await ada.log()].count(NAMES) == 1


async def test_an_id_comes_back_as_it_was_sent(ada: Ada) -> None:
    """There are languages that write it in capitals: whoever waits for what it sent must find it."""
    given, held = uuid.uuid4(), uuid.uuid4()
    async with ada.line() as line:
        await line.hello()
        for write in (lambda one: str(one).upper(), lambda one: one.hex, str):
            written = write(given)
            await line.send("say", conversation=ada.reference, id=written, text="Hello")
            assert (await line.expect("ack"))["id"] == written
            await line.send("say", conversation=ada.reference, id=written, text="")
            assert (await line.expect("error"))["id"] == written
            await line.send("say", conversation=ada.reference, id=write(held), text=NAMES)
            assert (await line.expect("hold"))["id"] == write(held)
            posted = await ada.post_json("/chat/messages", {"id": written, "text": "Hello"})
            assert posted.json()["id"] == written
        assert [event["id"] for event in line.events() if event["text"] == "Hello"] == [str(given)]
        for written in (f"{{{given}}}", given.urn, f"{given}\n", "x" * 36):
            await line.send("say", conversation=ada.reference, id=written, text="Hello")
            assert (await line.expect("error"))["code"] == "bad_frame"
            posted = await ada.post_json("/chat/messages", {"id": written, "text": "Hello"})
            assert (posted.status_code, posted.json()["code"]) == (400, "bad_frame")


SENT = (
    "\r\n\r\n  Note:\r\nHis name is Darren Walsh, born 3 May 1988.\r\n",
    "  e\u0301e\u0301 His name is Darren Walsh, and he wrote",
    "His\x01 name is\x02 Darren\x03 Walsh.",
    "\r\rHis name is Darren Walsh a\u0302\r",
)


@pytest.mark.parametrize("sent", SENT)
async def test_what_is_found_stands_where_it_is_said_to_be(ada: Ada, sent: str) -> None:
    """Whoever cuts it out of what they sent leaves nothing of it, whatever of it would be stored."""
    async with ada.line() as line:
        await line.hello()
        by_socket = await line.say(ada.reference, sent)
    by_post = (await ada.say(sent)).json()
    assert by_socket["findings"] == by_post["findings"]
    cut = sent
    for finding in reversed(by_socket["findings"]):
        assert sent[finding["start"] : finding["end"]] == finding["text"]
        cut = cut[: finding["start"]] + "[hidden]" + cut[finding["end"] :]
    assert "arren" not in cut
    assert "alsh" not in cut
    assert cut.replace("[hidden]", "").strip(), "and the rest stays"


async def test_what_is_said_while_it_ends_is_answered(ada: Ada, cora: Cora) -> None:
    """Nobody comes back after that close to ask what became of it."""
    await cora.take(ada.reference)
    async with ada.line() as line:
        await line.hello()
        await line.expect("caught_up")
        said = [str(uuid.uuid4()) for _ in range(40)]
        for one in said:
            await line.send("say", conversation=ada.reference, id=one, text="One more thing")
        await cora.end(ada.reference)
        assert await line.closed() == 4105
    assert {frame["id"] for frame in line.seen if frame["type"] in ("ack", "error")} == {*said}
    assert {frame["code"] for frame in line.seen if frame["type"] == "error"} <= {"ended"}
