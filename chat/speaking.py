"""What one socket says, until each message has its answer.

A message is given to the log as soon as it is read, and only where something must be looked up before in a task.
What waits for the database holds up nothing but what is said after it in the same conversation, and is stored, or not,
whatever becomes of the socket.
"""

import asyncio
import uuid
from collections.abc import Coroutine
from functools import partial
from typing import Any

import msgspec
import structlog

from chat.events import Author
from chat.frames import Say, ack_frame, error_frame, frame
from chat.holding import TEXT, Held
from chat.intake import OUR_FAULT, SIGN_IN, TOO_SLOW, Closing
from chat.log import Receipt
from chat.saying import OnItsWay, Said, Saying
from chat.session import Session, TooSlow
from chat.viewer import Head
from core.errors import NotFound, Refusal

logger = structlog.get_logger()

SETTLE_WITHIN_S = 2.0
MOST_UNDER_WAY = 16
"""More than anybody has conversations."""


class Speaking:
    """The messages of one socket that have no answer yet, one for each conversation."""

    __slots__ = ("_author", "_kept", "_saying", "_session", "_settles_until", "_under_way")

    def __init__(self, session: Session, saying: Saying, kept: set["asyncio.Task[None]"]) -> None:
        """`kept` holds the tasks of every socket until they end; the loop itself does not."""
        self._session = session
        self._saying = saying
        self._kept = kept
        self._author = Author(session.viewer.side, session.viewer.key, session.viewer.name)
        self._under_way: dict[str, asyncio.Future[Receipt] | asyncio.Task[None]] = {}
        self._settles_until = 0.0

    async def settle(self) -> bool:
        """Wait for the answer to something that was read, for two seconds in all; False when there is nothing left."""
        loop = asyncio.get_running_loop()
        self._settles_until = self._settles_until or loop.time() + SETTLE_WITHIN_S
        left_s = self._settles_until - loop.time()
        if not self._under_way or left_s <= 0:
            return False
        await asyncio.wait(self._under_way.values(), timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        return True

    async def say(self, request: Say) -> None:
        """Begin it when what was said before in its conversation is answered. Its own answer comes later."""
        while (before := self._before(request.conversation)) is not None:
            await asyncio.wait((before,))
        if not self.say_at_once(request):
            self._begin(request, self._look(request))

    def say_at_once(self, request: Say) -> bool:
        """Begin it, unless something must be waited for or looked up before."""
        if self._before(request.conversation) is not None:
            return False
        head = self._find_at_once(request.conversation)
        if head is not None:
            self._put(request, head)
        return head is not None

    def _before(self, conversation: str) -> "asyncio.Future[Receipt] | asyncio.Task[None] | None":
        """What must be answered first."""
        if len(self._under_way) >= MOST_UNDER_WAY:
            return next(iter(self._under_way.values()))
        return self._under_way.get(conversation)

    def _find_at_once(self, conversation: str) -> Head | None:
        """Where to write it, when that and the right to do so are known without a look."""
        viewer = self._session.viewer
        if viewer.surely_may_act is not None and not viewer.surely_may_act():
            return None
        try:
            return self._session.find(conversation)
        except NotFound:
            return None

    async def _look(self, request: Say) -> None:
        head = await self._session.find_to_write(request.conversation)
        viewer = self._session.viewer
        if viewer.may_act is not None and not await viewer.may_act():
            raise Closing(SIGN_IN)
        self._put(request, head)

    def _put(self, request: Say, head: Head) -> None:
        """Give it to the log, unless it is held or refused before."""
        said = Said(request.text, uuid.UUID(request.id), bool(request.confirm))
        try:
            on_its_way = self._saying.begin(head.id, self._author, said)
        except Held as held:
            self._begin(request, self._hold(request, head, held))
        except Refusal as refusal:
            self._reply(error_frame(refusal, request.id))
        except Exception as problem:  # noqa: BLE001  # whoever reads the network must not fail; the client is told by the close
            self._fail(problem)
        else:
            self._under_way[request.conversation] = on_its_way.answer
            on_its_way.answer.add_done_callback(partial(self._answered, request, head, on_its_way))

    async def _hold(self, request: Say, head: Head, held: Held) -> None:
        """Hold it, unless it was stored before: then whoever sends it again has confirmed it, and is told its number."""
        if await self._saying.knows(head.id, self._author, uuid.UUID(request.id)):
            self._put(msgspec.structs.replace(request, confirm=True), head)
        else:
            findings = held.as_list({TEXT: request.text})
            self._reply(frame("hold", conversation=head.reference, id=request.id, findings=findings))

    def _answered(self, request: Say, head: Head, on_its_way: OnItsWay, answer: asyncio.Future[Receipt]) -> None:
        self._ended(request.conversation, answer)
        if answer.exception() is not None:
            self._begin(request, self._saying.end(on_its_way))
            return
        receipt = answer.result()
        try:
            self._saying.stored(on_its_way, receipt)
            self._reply(ack_frame(head.reference, request.id, receipt.seq, receipt.at_ms, again=receipt.again))
        except Exception as problem:  # noqa: BLE001  # nobody waits for this call; the client asks again after the close
            self._fail(problem)

    def _begin(self, request: Say, steps: Coroutine[Any, Any, object]) -> None:
        """Do this in a task; the refusal it may end with is the answer."""
        task = asyncio.create_task(self._do(request, steps), name="say")
        self._under_way[request.conversation] = task
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)
        task.add_done_callback(partial(self._ended, request.conversation))

    async def _do(self, request: Say, steps: Coroutine[Any, Any, object]) -> None:
        try:
            await steps
        except Refusal as refusal:
            self._reply(error_frame(refusal, request.id))
        except Closing as closing:
            self._session.close(closing.code)
        except Exception as problem:  # noqa: BLE001  # nobody waits for this task; its client is told by the close
            self._fail(problem)

    def _fail(self, problem: Exception) -> None:
        logger.error("not_said", kind=type(problem).__name__)
        self._session.close(OUR_FAULT)

    def _ended(self, conversation: str, one: "asyncio.Future[Receipt] | asyncio.Task[None]") -> None:
        # What was looked up is with the log by now, in its place.
        if self._under_way.get(conversation) is one:
            del self._under_way[conversation]

    def _reply(self, text: str) -> None:
        try:
            self._session.reply(text)
        except TooSlow:
            self._session.close(TOO_SLOW)
