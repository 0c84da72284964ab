"""A client with scripts: keeps a connection by whichever transport works, draws each event once and in order.

It goes by docs/protocol.md and by the rules of static/js/connection.js: it comes back with its place, drops what it has,
asks again when one is missing.
"""

import asyncio
import contextlib
import json
import random
import time
from typing import Any

from core.ending import end_all
from tests.faults.carriers import ABNORMAL, CARRIERS, Carrier, Lost
from tests.faults.history import MARK, Answer, Message, Outcome, Shown
from tests.faults.ladder import BROWSER, Ladder, Rung, Tempo
from tests.faults.talk import ANSWER_WITHIN_S, DOUBTFUL, Access, Place, Talker

# A page waits from 0.5 s to 30 s; a run of seconds must have its clients back sooner.
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 1.5

FOR_GOOD = frozenset({1002, 1007, 1009, *range(4100, 4106)})


class Client(Talker):
    def __init__(
        self,
        name: str,
        access: Access,
        marks: dict[str, str],
        rng: random.Random,
        *,
        think_s: float,
        tempo: Tempo = BROWSER,
        rung: Rung = Rung.SOCKET,
    ) -> None:
        super().__init__(name, access, marks, rng, think_s=think_s, tempo=tempo)
        self.epoch = ""
        self._ladder = Ladder(tempo, rung)
        self._http = access.http()
        self._asked: dict[str, tuple[Message, asyncio.Future[Answer]]] = {}
        self._carrier: Carrier | None = None
        self._life: asyncio.Task[None] | None = None
        self._up = asyncio.Event()
        self._failures = 0
        self._come_back_s = 0.0

    def after(self) -> dict[str, int]:
        return {name: place.last for name, place in self.places.items()}

    # The connection.

    async def _live(self) -> None:
        while True:
            await self._online.wait()
            wait_s = await self._connect_once()
            await asyncio.sleep(max(wait_s, self._come_back_s))
            self._come_back_s = 0.0

    async def _connect_once(self) -> float:
        """One connection from its beginning to its end; how long to wait after it."""
        carrier = CARRIERS[self._ladder.rung](self, self._http, self._rng.choice(self.access.ports))
        self._carrier, self._life = carrier, asyncio.create_task(carrier.carry())
        up_at: float | None = None
        try:
            await self._wait_for_up(self._life)
            if self._up.is_set():
                up_at = time.monotonic()
                self._ladder.succeed()
                if await self._outlives(self._life, self._ladder.climbs_at):
                    self._ladder.climb()
                    return 0.0
            code = _end_of(self._life)
        finally:
            await self._end_line(carrier, self._life)
        return self._wait_after(code, carrier, None if up_at is None else time.monotonic() - up_at)

    async def _wait_for_up(self, life: asyncio.Task[None]) -> None:
        up = asyncio.create_task(self._up.wait())
        try:
            await asyncio.wait([life, up], timeout=self._ladder.patience_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            up.cancel()

    async def _outlives(self, life: asyncio.Task[None], until: float | None) -> bool:
        """Wait for the end; true when it still lives at the time for a better transport."""
        left = None if until is None else max(0.0, until - asyncio.get_running_loop().time())
        await asyncio.wait([life], timeout=left)
        return not life.done()

    async def _end_line(self, carrier: Carrier, life: asyncio.Task[None]) -> None:
        carrier.drop()
        self._carrier = self._life = None
        await end_all([life])
        self._up.clear()
        for place in self.places.values():
            place.caught_up.clear()
            place.asked_again = False
        for client_id in list(self._asked):
            self.no_answer(client_id)

    def _wait_after(self, code: int, carrier: Carrier, life_s: float | None) -> float:
        if code in FOR_GOOD:
            self.notice(f"closed for good with {code}")
        if self._come_back_s:
            return self._come_back_s
        if life_s is not None and carrier.ends and life_s > self.tempo.useful_life_s:
            return 0.0
        if code == ABNORMAL and self._online.is_set() and self._ladder.fail(life_s):
            return 0.0
        self._failures += 1
        return self._rng.uniform(0, min(FIRST_WAIT_S * 2**self._failures, LONGEST_WAIT_S))

    def _drop(self) -> None:
        """End it as a cut does. A place that is asked for in the meantime waits for the next connection."""
        if self._carrier is not None and self._life is not None:
            self._life.cancel()
            self._carrier.drop()

    async def _close(self) -> None:
        await self._http.aclose()

    # What the server says.

    def hear(self, frame: dict[str, Any], raw: str, via: str) -> None:
        self.marks_heard.update(MARK.findall(raw))
        match frame["type"]:
            case "welcome":
                self._failures = 0
                self.epoch = frame["epoch"]
            case "event":
                self._show(frame)
            case "caught_up":
                self._catch_up(frame)
            case "ack":
                self._answer(frame, Answer(Outcome.OK, time.monotonic(), frame["seq"], via=via))
            case "error":
                code = frame["code"]
                outcome = Outcome.UNKNOWN if code in DOUBTFUL else Outcome.FAIL
                self._answer(frame, Answer(outcome, time.monotonic(), code=code, via=via))
            case "reset":
                self.reset()
            case "reconnect":
                self._come_back_s = frame["after_ms"] / 1000
            case "heartbeat":
                if any(seq > self.places[name].last for name, seq in frame["last_seq"].items() if name in self.places):
                    self._ask_again(*self.places.values())

    def reset(self) -> None:
        self.notice("reset, although nothing was restored")

    def _show(self, frame: dict[str, Any]) -> None:
        """Draw the event if it is the next one; drop what is there already, ask again when one is missing."""
        place = self.places.get(frame["conversation"])
        if place is None:
            self.notice(f"an event of {frame['conversation']}")
            return
        lines, seq = place.screen.lines, frame["seq"]
        author = frame.get("author", {}).get("kind", "")
        line = Shown(seq, frame["kind"], author, frame.get("id") or "", frame.get("text", ""))
        if seq == place.last + 1:
            lines.append(line)
            place.screen.shown_at[line.text] = time.monotonic()
        elif seq > place.last:
            place.screen.noticed.append(f"{seq} came after {place.last}")
            self._ask_again(place)
        elif lines[seq - 1] != line:
            place.screen.noticed.append(f"{seq} came again and was another one")
        elif not place.asked_again:
            place.screen.noticed.append(f"{seq} came again")

    def _catch_up(self, frame: dict[str, Any]) -> None:
        place = self.places.get(frame["conversation"])
        if place is None:
            self.notice(f"caught up with {frame['conversation']}")
        elif frame["last_seq"] > place.last:
            place.screen.noticed.append(f"caught up with {frame['last_seq']} at {place.last}")
            self._ask_again(place)
        else:
            place.caught_up.set()
            if all(one.caught_up.is_set() for one in self.places.values()):
                self._up.set()

    def _ask_again(self, *places: Place) -> None:
        carrier = self._carrier
        if carrier is None or any(place.asked_again for place in places):
            return
        if not carrier.greets_again:
            self._drop()
            return
        for place in self.places.values():
            place.asked_again = True
        self._tasks.append(asyncio.create_task(self._greet_again(carrier)))

    async def _greet_again(self, carrier: Carrier) -> None:
        with contextlib.suppress(Lost):
            await carrier.greet()

    def _answer(self, frame: dict[str, Any], answer: Answer) -> None:
        asked = self._asked.get(frame.get("id", ""))
        if asked is not None and frame.get("said", asked[0].text) != asked[0].text:
            # Late, and of another message: ids are used twice on purpose.
            return
        if asked is None:
            if answer.outcome is Outcome.OK:
                self._note_late(frame["id"], answer)
            elif answer.code == "assignment_lost":
                self.notice("lost the conversation")
            return
        message, future = asked
        if answer.outcome is Outcome.OK:
            message.answers.append(answer)
        if not future.done():
            future.set_result(answer)

    def _note_late(self, client_id: str, answer: Answer) -> None:
        """An acknowledgement that nobody waits for any more still has to be true."""
        for message in reversed(self.messages):
            if message.id == client_id:
                message.answers.append(answer)
                return
        self.notice("an acknowledgement of something never said")

    def no_answer(self, client_id: str) -> None:
        """The connection that was to bring it is gone."""
        _, future = self._asked.get(client_id, (None, None))
        if future is not None and not future.done():
            future.set_result(Answer(Outcome.UNKNOWN, time.monotonic(), code="lost"))

    async def _try(self, message: Message, times: int = 1) -> Answer:
        await self.places[message.conversation].caught_up.wait()
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked[message.id] = (message, future)
        try:
            if self._carrier is None:
                raise Lost
            await self._carrier.say(message, times)
            async with asyncio.timeout(ANSWER_WITHIN_S):
                answer = await future
        except TimeoutError:
            # It may be deaf; a new connection tells.
            self._drop()
            answer = Answer(Outcome.UNKNOWN, time.monotonic(), code="no answer")
        except Lost:
            answer = Answer(Outcome.UNKNOWN, time.monotonic(), code="lost")
        finally:
            del self._asked[message.id]
        if answer.outcome is not Outcome.OK:
            message.answers.append(answer)
        return answer


def _end_of(life: asyncio.Task[None]) -> int:
    """The close code of a connection that ended; one that had to be given up was cut."""
    if not life.done() or life.cancelled():
        return ABNORMAL
    problem = life.exception()
    if problem is None:
        return ABNORMAL
    if isinstance(problem, Lost):
        return problem.code
    if isinstance(problem, json.JSONDecodeError):
        return ABNORMAL
    raise problem
