"""Who gets a socket, and what the first frame may be."""

import pytest
from websockets.exceptions import InvalidStatus

from chat import socket
from core.limits import Limiter
from core.people import Role
from core.troubles import troubles
from tests.chat.house import House
from tests.chat.people import Ada, Cora, Person
from tests.waiting import MS

FOREIGN = [
    "https://evil.example",
    "null",
    "http://127.0.0.1",
    "http://127.0.0.1:1",
    "http://127.0.0.1.evil.example",
    None,
]


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("path", ["/chat/socket", "/desk/socket", "/no/such/socket", "/static/socket"])
async def test_a_foreign_origin_is_refused_before_the_upgrade(ada: Ada, origin: str | None, path: str) -> None:
    """No session begins, and it is counted."""
    before = troubles.counts["foreign_origin"], len(ada.at.parts.fanout.sessions())
    with pytest.raises(InvalidStatus) as refused:
        async with ada.line(origin=origin, path=path):
            raise AssertionError("the socket opened")
    assert refused.value.response.status_code == 403
    assert (troubles.counts["foreign_origin"], len(ada.at.parts.fanout.sessions())) == (before[0] + 1, before[1])


@pytest.mark.parametrize("path", ["/no/such/socket", "/static/socket", "/chat", "/"])
async def test_no_socket_elsewhere(ada: Ada, path: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with ada.line(path=path):
            raise AssertionError("the socket opened")
    assert refused.value.response.status_code in (403, 404)


@pytest.mark.parametrize("name", ["localhost", "[::1]"])
async def test_each_name_of_loopback_is_ours(ada: Ada, name: str) -> None:
    async with ada.line(origin=f"http://{name}:{ada.house.origin.rpartition(':')[2]}") as line:
        assert (await line.hello())["you"] == {"kind": "visitor", "name": "Ada"}


@pytest.mark.parametrize("cookies", ["", "visitor=x", f"visitor={'A' * 43}", "visitor=" + "A" * 5000])
@pytest.mark.parametrize("path", ["/chat/socket", "/desk/socket"])
async def test_without_a_sign_in_it_closes_with_4100(one_house: House, path: str, cookies: str) -> None:
    async with Person(one_house) as stranger, stranger.line(path=path, cookies=cookies) as line:
        assert await line.closed() == 4100


async def test_a_visitor_has_no_desk_socket_and_an_advisor_none_of_the_chat(ada: Ada, cora: Cora) -> None:
    async with ada.line(path="/desk/socket") as line:
        assert await line.closed() == 4100
    async with cora.line(path="/chat/socket") as line:
        assert await line.closed() == 4100


@pytest.mark.parametrize("role", [Role.EDITOR, Role.ADMIN])
async def test_who_is_signed_in_without_a_desk_is_closed_with_4104(one_house: House, role: Role) -> None:
    """Not with 4100, which sends a client to sign in and back again."""
    async with await Cora.hired(one_house, "Eve", None, role) as eve, eve.line() as line:
        assert await line.closed() == 4104
        assert (await eve.http.get("/desk/poll")).status_code == 403


@pytest.mark.parametrize("subprotocol", [None, "advice.v2", "chat"])
async def test_another_subprotocol_closes_with_4102(ada: Ada, subprotocol: str | None) -> None:
    async with ada.line(subprotocol=subprotocol) as line:
        assert await line.closed() == 4102


async def test_compression_is_not_agreed(ada: Ada) -> None:
    async with ada.line(compression="deflate") as line:
        assert line.connection.request is not None
        assert "permessage-deflate" in line.connection.request.headers["Sec-WebSocket-Extensions"]
        assert line.connection.response is not None
        assert "Sec-WebSocket-Extensions" not in line.connection.response.headers


async def test_no_hello_in_time(ada: Ada, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "HELLO_WITHIN_S", 50 * MS)
    async with ada.line() as line:
        assert await line.closed() == 4102


async def test_the_limit_is_for_the_hello_only(ada: Ada, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "HELLO_WITHIN_S", 300 * MS)
    monkeypatch.setattr(socket, "HEARTBEAT_S", 400 * MS)
    async with ada.line() as line:
        await line.hello()
        for _ in range(2):
            await line.expect("heartbeat")
        await line.quiet()


FIRST = [
    '{"type":"ping"}',
    '{"type":"typing","conversation":"x"}',
    "{}",
    "[]",
    "hello",
    "",
    '{"type":"hello","after":[]}',
]


@pytest.mark.parametrize("frame", FIRST)
async def test_another_first_frame_closes_with_4102(ada: Ada, frame: str) -> None:
    async with ada.line() as line:
        await line.send_raw(frame)
        assert await line.closed() == 4102
        assert not line.events()


async def test_welcome(ada: Ada, cora: Cora) -> None:
    """Who I am, what I may see, how far each side has read, and the pulse."""
    await cora.take(ada.reference)
    async with ada.line() as visitor, cora.line() as desk:
        for line, you in ((visitor, {"kind": "visitor", "name": "Ada"}), (desk, {"kind": "advisor", "name": "Cora"})):
            welcome = await line.hello()
            (one,) = welcome["conversations"]
            assert welcome["you"] == you
            assert welcome["heartbeat"] == 25
            assert len(welcome["epoch"]) >= 16
            assert (one["conversation"], one["status"], one["last_seq"]) == (ada.reference, "active", 3)
            assert one["read"] == {"visitor": 0, "advisor": 0}
            caught_up = await line.expect("caught_up")
            assert (caught_up["conversation"], caught_up["last_seq"]) == (ada.reference, 3)
            assert line.numbers() == [1, 2, 3]


async def test_every_frame_says_its_type_twice(ada: Ada, cora: Cora) -> None:
    await cora.take(ada.reference)
    async with ada.line() as visitor, cora.line() as desk:
        await visitor.hello()
        await desk.hello()
        await visitor.say(ada.reference, "Hello")
        await visitor.send("typing", conversation=ada.reference)
        await visitor.send("read", conversation=ada.reference, seq=3)
        await desk.expect("read")
        await visitor.send("nonsense")
        await visitor.expect("error")
        await visitor.quiet()
        for frame in visitor.seen + desk.seen:
            assert frame["type"] == frame["t"]


async def test_t_is_understood_as_type(ada: Ada) -> None:
    async with ada.line() as line:
        await line.send_raw('{"t": "hello"}')
        await line.expect("welcome")
        await line.send_raw('{"t": "ping"}')
        await line.expect("pong")


async def test_a_browser_that_connects_without_end_is_turned_away(
    ada: Ada, one_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the upgrade, and told when to come back. Another browser at the same address is let in."""
    monkeypatch.setattr(one_house.first.parts.sockets, "_arrivals", Limiter(0.1, 2))
    async with Ada(one_house) as ben:
        await ben.ask()
        for _ in range(2):
            async with ada.line() as line:
                await line.hello()
        with pytest.raises(InvalidStatus) as refused:
            async with ada.line():
                raise AssertionError("the socket opened")
        assert refused.value.response.status_code == 429
        assert int(refused.value.response.headers["Retry-After"]) > 0
        monkeypatch.setattr(one_house.first.parts.sockets, "_arrivals", Limiter(1.0, 2))
        with pytest.raises(InvalidStatus) as again:
            async with ada.line():
                raise AssertionError("the socket opened before its time")
        # It was not even asked in: the limit that would let it in was not looked at.
        assert again.value.response.status_code == 429
        assert int(again.value.response.headers["Retry-After"]) > 0
        async with ben.line() as line:
            await line.hello()
