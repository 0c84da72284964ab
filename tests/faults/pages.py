"""A visitor without scripts: reads the page that loads itself again, writes in its form, presses Send again after any doubt.

The browser's own rules are all there is: a form that was not answered is sent again as it is, with the id that the server
wrote into it. What a page shows is taken from its markup, as a reader would.
"""

import asyncio
import random
import time
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx

from tests.faults.history import MARK, Answer, Message, Outcome, Shown
from tests.faults.ladder import BROWSER, Tempo
from tests.faults.talk import RETRY_AFTER_S, Access, Talker

Attributes = list[tuple[str, str | None]]

MOST_ON_A_PAGE = 200
REFUSED = range(400, 429)


@dataclass(slots=True)
class Drawn:
    """What one page says: the entries of the log, and the fields of the form to write in."""

    lines: list[Shown] = field(default_factory=list)
    message_id: str = ""
    token: str = ""


class LogPage(HTMLParser):
    """Reads what templates/macros/log.html draws. What stands in a <template> is not on the page."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn = Drawn()
        self._templates = 0
        self._entry: dict[str, str] | None = None
        self._is_own = False
        self._text: list[str] | None = None

    @classmethod
    def read(cls, markup: str) -> Drawn:
        page = cls()
        page.feed(markup)
        page.close()
        return page.drawn

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        fields = {name: value or "" for name, value in attrs}
        if tag == "template":
            self._templates += 1
        if self._templates:
            return
        if tag == "li" and fields.get("data-seq"):
            self._entry, self._is_own = fields, "entry--own" in fields.get("class", "")
        elif self._entry is not None and fields.get("data-slot") == "text":
            self._text = []
        elif tag == "input" and fields.get("name") == "id":
            self.drawn.message_id = fields["value"]
        elif tag == "input" and fields.get("name") == "csrf_token":
            self.drawn.token = fields["value"]

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "template":
            self._templates -= 1
        elif tag == "li" and self._entry is not None:
            self.drawn.lines.append(self._shown(self._entry, "".join(self._text or ())))
            self._entry = self._text = None
        elif tag in ("p", "span") and self._text is not None and self._entry is not None:
            # The text ends here; what else stands in the entry is time and state.
            self._entry["text"] = "".join(self._text)
            self._text = None

    def _shown(self, entry: dict[str, str], rest: str) -> Shown:
        kind = entry["data-kind"]
        if kind != "message":
            return Shown(int(entry["data-seq"]), kind)
        author = "visitor" if self._is_own else "advisor"
        return Shown(int(entry["data-seq"]), kind, author, entry["data-id"], entry.get("text", rest))


class NoPage(Exception):
    """The page did not come, or it was another one."""


class PageReader(Talker):
    """Has one conversation: a visitor's."""

    is_page = True

    def __init__(
        self,
        name: str,
        access: Access,
        marks: dict[str, str],
        rng: random.Random,
        *,
        think_s: float,
        tempo: Tempo = BROWSER,
    ) -> None:
        super().__init__(name, access, marks, rng, think_s=think_s, tempo=tempo)
        (self._place,) = self.places.values()
        self._http = access.http()
        self._tokens: dict[str, str] = {}
        """The form token that came with each id."""

    async def _live(self) -> None:
        while True:
            await self._online.wait()
            try:
                await self._look("/chat?follow=1")
            except NoPage:
                await asyncio.sleep(RETRY_AFTER_S)
            else:
                await asyncio.sleep(self.tempo.refresh_s)

    async def _look(self, path: str) -> Drawn:
        """Load the page and take over what is new on it."""
        answer = await self._ask("GET", path)
        if answer.status_code != 200:
            raise NoPage
        self.marks_heard.update(MARK.findall(answer.text))
        drawn = LogPage.read(answer.text)
        self._take_over(drawn.lines)
        return drawn

    async def _ask(self, method: str, path: str, fields: dict[str, str] | None = None) -> httpx.Response:
        await self._online.wait()
        port = self._rng.choice(self.access.ports)
        try:
            return await self._http.request(method, f"http://127.0.0.1:{port}{path}", data=fields)
        except httpx.HTTPError as problem:
            raise NoPage from problem

    def _take_over(self, lines: list[Shown]) -> None:
        """Pages may arrive in another order than they were asked for: an older one brings nothing new."""
        screen = self._place.screen
        held = {line.seq: line for line in screen.lines}
        last = screen.lines[-1].seq if screen.lines else 0
        if [line.seq for line in lines] != sorted({line.seq for line in lines}):
            screen.noticed.append("a page is out of order")
        if len(lines) >= MOST_ON_A_PAGE and lines[0].seq > last + 1:
            screen.noticed.append(f"a page begins at {lines[0].seq} after {last}")
        for line in lines:
            if line.seq > last:
                screen.lines.append(line)
                screen.shown_at[line.text] = time.monotonic()
            elif held.get(line.seq) != line:
                screen.noticed.append(f"{line.seq} was not there before, or another one")

    # What the person says.

    def _new_id(self) -> str:
        """The form has one."""
        return ""

    async def _try(self, message: Message, times: int = 1) -> Answer:
        try:
            if not message.id:
                drawn = await self._look("/chat")
                message.id = drawn.message_id
                self._tokens[message.id] = drawn.token
            answers = await asyncio.gather(*(self._post(message) for _ in range(times)))
        except NoPage:
            answers = [Answer(Outcome.UNKNOWN, time.monotonic(), code="no page", via="form")]
        message.answers += answers
        return min(answers, key=lambda answer: list(Outcome).index(answer.outcome))

    async def _post(self, message: Message) -> Answer:
        fields = {"id": message.id, "text": message.text, "confirm": "yes", "csrf_token": self._tokens[message.id]}
        try:
            answer = await self._ask("POST", "/chat/messages", fields)
        except NoPage:
            return Answer(Outcome.UNKNOWN, time.monotonic(), code="lost", via="form")
        if answer.status_code == 303:
            return await self._find(message)
        outcome = Outcome.FAIL if answer.status_code in REFUSED else Outcome.UNKNOWN
        return Answer(outcome, time.monotonic(), code=str(answer.status_code), via="form")

    async def _find(self, message: Message) -> Answer:
        """It is stored. Under which number stands on the page that the answer leads to."""
        at = time.monotonic()
        try:
            drawn = await self._look("/chat")
        except NoPage:
            return Answer(Outcome.OK, at, via="form")
        for line in drawn.lines:
            if line.id == message.id:
                return Answer(Outcome.OK, at, line.seq, via="form")
        self.notice(f"{message.number} was taken, and the next page is without it")
        return Answer(Outcome.OK, at, via="form")

    def _drop(self) -> None:
        """What is under way comes to its end; nothing new is asked for while offline."""

    async def _close(self) -> None:
        await self._http.aclose()
