"""Who is there: leases of open desks, grace for a page that is loaded again, desks without scripts, signing out."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from chat.session import Session
from chat.stream import LONGEST_WAIT_S, STREAM_JITTER, STREAM_S
from chat.words import Side
from core.people import Role, SignedIn
from staff.tables import session as sign_in
from tests.triage.house import EPOCH, House
from tests.triage.test_queue import advisor
from triage.leases import Leases
from triage.tables import presence_lease
from triage.times import Times

TIMES = Times()


@pytest.fixture
async def cora(house: House) -> SignedIn:
    """Signed in, with no desk open."""
    return await without_desk(house, await house.hire("Cora", Role.ADVISOR))


async def without_desk(house: House, person: SignedIn) -> SignedIn:
    async with house.db.write() as connection:
        await connection.execute(presence_lease.delete())
    return person


def leases_of(house: House, process: str = "one") -> Leases:
    return Leases(house.db, house.fanout, process, house.clock)


def open_desk(house: House, person: SignedIn) -> Session:
    """By a socket."""
    desk = Session(house.fanout, advisor(house, person), EPOCH)
    desk.is_watched = True
    house.fanout.enter(desk)
    return desk


async def left_s(house: House) -> list[int]:
    """For how many seconds each lease still runs."""
    async with house.db.read() as connection:
        rows = (await connection.execute(select(presence_lease).order_by(presence_lease.c.process))).all()
    return [int((row.until - house.clock()).total_seconds()) for row in rows]


async def online(house: House) -> int:
    return (await house.queue.read()).online


async def test_an_open_desk_is_there_while_it_is_renewed(house: House, cora: SignedIn) -> None:
    leases = leases_of(house)
    assert await online(house) == 0
    open_desk(house, cora)
    await leases.renew()
    assert await left_s(house) == [45]
    for seconds, left in ((5, 40), (9, 31), (1, 45)):
        house.clock.go_on(seconds=seconds)
        await leases.renew()
        assert await left_s(house) == [left], "renewed each heartbeat, and no more often"
    assert await online(house) == 1
    house.clock.go_on(seconds=46)
    assert await online(house) == 0, "its process has died"


async def test_closing_has_a_grace_and_silence_a_shorter_one(house: House, cora: SignedIn) -> None:
    leases = leases_of(house)
    for silent, grace in ((False, 30), (True, 10)):
        desk = open_desk(house, cora)
        await leases.renew()
        desk.went_silent = silent
        house.fanout.leave(desk)
        await leases.renew()
        assert await left_s(house) == [grace]
        assert await online(house) == 1
    again = open_desk(house, cora)
    await leases.renew()
    assert await left_s(house) == [45], "the page was loaded again"
    open_desk(house, cora)
    house.fanout.leave(again)
    await leases.renew()
    assert await left_s(house) == [45], "another desk of theirs is open"


async def test_grace_lengthens_nothing(house: House, cora: SignedIn) -> None:
    leases, desk = leases_of(house), open_desk(house, cora)
    await leases.renew()
    house.clock.go_on(seconds=14)
    await leases.renew()
    house.clock.go_on(seconds=0.5)
    house.fanout.leave(desk)
    house.clock.go_on(seconds=20)
    await leases.renew()
    assert await left_s(house) == [10]


async def test_what_asks_is_there_for_a_while(house: House, cora: SignedIn) -> None:
    """A desk without scripts, and each new request of a poll or a stream."""
    leases = leases_of(house)
    leases.requested(cora.account_id)
    await leases.renew()
    assert await left_s(house) == [45]
    house.clock.go_on(seconds=4)
    leases.requested(cora.account_id)
    await leases.renew()
    assert await left_s(house) == [41], "not a write for each request"
    house.clock.go_on(seconds=2)
    leases.requested(cora.account_id)
    await leases.renew()
    assert await left_s(house) == [45]


async def test_an_open_stream_proves_nothing(house: House, cora: SignedIn) -> None:
    """The network may have been cut the moment after it was asked for; nobody would notice until it ends."""
    leases = leases_of(house)
    leases.requested(cora.account_id)
    stream = Session(house.fanout, advisor(house, cora), EPOCH)
    house.fanout.enter(stream)
    await leases.renew()
    for seconds, left in ((20, 25), (24, 1)):
        house.clock.go_on(seconds=seconds)
        await leases.renew()
        assert await left_s(house) == [left]
    house.fanout.leave(stream)
    await leases.renew()
    assert await left_s(house) == [1], "its end shortens nothing and lengthens nothing"


async def test_signing_out_ends_it_at_once_and_nothing_renews_it(house: House, cora: SignedIn) -> None:
    leases = leases_of(house)
    open_desk(house, cora)
    await leases.renew()
    await leases.signed_out(cora.account_id)
    assert await left_s(house) == [45], "they are signed in elsewhere"
    async with house.db.write() as connection:
        await connection.execute(sign_in.delete())
    await leases.signed_out(cora.account_id)
    assert await left_s(house) == [0]
    # The desk that was open does not know yet.
    house.clock.go_on(seconds=1)
    await leases_of(house).renew()
    assert await online(house) == 0


async def test_a_supervisors_desk_counts_nobody_online(house: House) -> None:
    sue = await without_desk(house, await house.hire("Sue", Role.SUPERVISOR))
    leases = leases_of(house)
    open_desk(house, sue)
    await leases.renew()
    assert await online(house) == 0


def test_the_worst_silence_is_noticed_within_a_minute() -> None:
    found_out_after = timedelta(seconds=35)
    assert found_out_after + TIMES.silent_grace + TIMES.lost_after < timedelta(seconds=60)
    assert TIMES.lease + TIMES.lost_after < timedelta(seconds=60)


def test_whoever_is_there_asks_again_in_time() -> None:
    longest_stream = timedelta(seconds=STREAM_S[Side.ADVISOR] * (1 + STREAM_JITTER))
    for between in (longest_stream, timedelta(seconds=LONGEST_WAIT_S)):
        assert between + TIMES.closest <= TIMES.lease - timedelta(seconds=10)
