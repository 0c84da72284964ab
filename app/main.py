"""The whole service as one ASGI app: the route table, who may enter what, and what runs beside the requests."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable

from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from app.pages import make_templates
from app.parts import Parts
from app.tasks import running
from core.assets import Assets
from core.db import Database
from core.doors import PUBLIC, SIGNED_IN, Door, roles
from core.edge import Edge
from core.errors import Refusal
from core.people import Role
from core.ready import ReadyAnswers
from core.settings import Settings
from core.web import Site, refuse, refuse_http
from knowledge.image_pages import LARGEST_FILE
from triage.times import Times

LARGEST_BODY = 2_000_000
CHECK_SIGN_INS_S = 4.0

POST = ("POST",)
DESK = roles(Role.ADVISOR, Role.SUPERVISOR)
ADVISOR = roles(Role.ADVISOR)
EDITOR = roles(Role.EDITOR)
SUPERVISOR = roles(Role.SUPERVISOR)
OPENING = roles(Role.SUPERVISOR, Role.ADMIN)


def doors(parts: Parts) -> list[Door]:
    """Every page and form, and who may enter. What is not here does not exist."""
    return [*public_doors(parts), *desk_doors(parts), *supervise_doors(parts), *editor_doors(parts)]


def public_doors(parts: Parts) -> list[Door]:
    public, ask, visitor, guidance = parts.public, parts.ask, parts.visitor, parts.guidance_pages
    sign_in, health, streams = parts.sign_in, parts.health, parts.visitor_streams
    return [
        Door("/", public.home, PUBLIC),
        Door("/accessibility", public.text, PUBLIC),
        Door("/confidentiality", public.text, PUBLIC),
        Door("/cookies", public.text, PUBLIC),
        Door("/signpost/{kind}", public.signpost, PUBLIC),
        Door("/ask", ask.ask, PUBLIC),
        Door("/ask", ask.answer, PUBLIC, POST, corrects_text=True),
        Door("/chat", visitor.show, PUBLIC),
        Door("/chat/messages", visitor.say, PUBLIC, POST, corrects_text=True),
        Door("/chat/question", public.leave_question, PUBLIC, POST),
        Door("/chat/events", streams.events, PUBLIC, for_programs=True),
        Door("/chat/poll", streams.poll, PUBLIC, for_programs=True),
        Door("/chat/read", streams.read, PUBLIC, POST, for_programs=True),
        Door("/chat/typing", streams.typing, PUBLIC, POST, for_programs=True, takes_nothing=True),
        Door("/chat/leave", visitor.leave, PUBLIC, POST, takes_nothing=True),
        Door("/chat/opened", public.opened, PUBLIC, POST),
        Door("/chat/feedback", parts.feedback.give, PUBLIC, POST),
        Door("/chat/forget", visitor.forget, PUBLIC, POST, takes_nothing=True),
        Door("/chat/transcript", visitor.transcript, PUBLIC),
        Door("/chat/transcript.txt", visitor.transcript_text, PUBLIC),
        Door("/chat/transcript.pdf", visitor.transcript_pdf, PUBLIC),
        Door("/resume", visitor.show_resume, PUBLIC),
        Door("/resume", visitor.resume, PUBLIC, POST),
        Door("/guidance", guidance.index, PUBLIC),
        Door("/guidance/feed.atom", guidance.feed, PUBLIC),
        Door("/guidance/images/{name}", parts.images.show, PUBLIC),
        Door("/guidance/{slug}.md", guidance.markdown, PUBLIC),
        Door("/guidance/{slug}", guidance.article, PUBLIC),
        Door("/guidance/{slug}/helpful", guidance.helpful, PUBLIC, POST, needs_token=False),
        Door("/sign-in", sign_in.show_sign_in, PUBLIC),
        Door("/sign-in", sign_in.sign_in, PUBLIC, POST),
        Door("/healthz", health.alive, PUBLIC),
        Door("/readyz", health.ready, PUBLIC),
        Door("/metrics", health.metrics, PUBLIC),
    ]


def desk_doors(parts: Parts) -> list[Door]:
    desk, wrap_up, streams, colleagues = parts.desk, parts.wrap_up, parts.desk_streams, parts.colleagues
    one = "/desk/conversations/{reference}"
    return [
        Door("/sign-out", parts.sign_in.sign_out, SIGNED_IN, POST, takes_nothing=True),
        Door("/account", parts.account.show, SIGNED_IN),
        Door("/account/password", parts.account.change_password, SIGNED_IN, POST),
        Door("/account/sessions/end", parts.account.end_others, SIGNED_IN, POST),
        Door("/account/sessions/{number}/end", parts.account.end_session, SIGNED_IN, POST),
        Door("/desk", desk.show, DESK),
        Door("/desk/presence", desk.presence, ADVISOR, POST),
        Door("/desk/next", desk.take_next, ADVISOR, POST, takes_nothing=True),
        Door("/desk/notices/seen", parts.notice_pages.seen, DESK, POST),
        Door("/desk/events", streams.events, DESK, for_programs=True),
        Door("/desk/poll", streams.poll, DESK, for_programs=True),
        Door("/desk/read", streams.read, DESK, POST, for_programs=True),
        Door("/desk/typing", streams.typing, DESK, POST, for_programs=True, takes_nothing=True),
        Door(one, desk.show_conversation, DESK),
        Door(f"{one}/accept", desk.accept, ADVISOR, POST, takes_nothing=True),
        Door(f"{one}/decline", desk.decline, ADVISOR, POST, takes_nothing=True),
        Door(f"{one}/messages", desk.say, DESK, POST, corrects_text=True),
        Door(f"{one}/notes", desk.note, DESK, POST, corrects_text=True),
        Door(f"{one}/share", desk.share, DESK, POST),
        Door(f"{one}/dismiss", desk.dismiss, DESK, POST),
        Door(f"{one}/nothing-fits", desk.nothing_fits, DESK, POST),
        Door(f"{one}/draft", desk.draft, DESK, POST),
        Door(f"{one}/transfer", colleagues.transfer, DESK, POST),
        Door(f"{one}/invite", colleagues.invite, DESK, POST),
        Door(f"{one}/guests/{{account_id}}/dismiss", colleagues.let_go, DESK, POST),
        Door(f"{one}/leave", colleagues.leave, DESK, POST, takes_nothing=True),
        Door(f"{one}/regrade", colleagues.regrade, DESK, POST),
        Door(f"{one}/redact", colleagues.redact, DESK, POST),
        Door(f"{one}/nudge", colleagues.nudge, DESK, POST, takes_nothing=True),
        Door("/desk/replies", parts.reply_pages.show, DESK),
        Door("/desk/replies", parts.reply_pages.add, DESK, POST),
        Door("/desk/replies/{number}", parts.reply_pages.change, DESK, POST),
        Door("/desk/replies/{number}/delete", parts.reply_pages.delete, DESK, POST),
        Door("/desk/invitations/{reference}/accept", colleagues.accept, ADVISOR, POST, takes_nothing=True),
        Door("/desk/invitations/{reference}/decline", colleagues.decline, ADVISOR, POST, takes_nothing=True),
        Door(f"{one}/end", desk.end, DESK, POST, takes_nothing=True),
        Door(f"{one}/wrap-up", wrap_up.show, DESK),
        Door(f"{one}/wrap-up", wrap_up.save, DESK, POST),
    ]


def supervise_doors(parts: Parts) -> list[Door]:
    hours, supervise = parts.hours, parts.supervise
    watched = "/supervise/conversations/{reference}"
    return [
        Door("/supervise", supervise.show, SUPERVISOR),
        Door("/supervise/line", supervise.line, SUPERVISOR, POST),
        Door(watched, supervise.show_conversation, SUPERVISOR),
        Door(f"{watched}/join", supervise.join, SUPERVISOR, POST, takes_nothing=True),
        Door(f"{watched}/advise", supervise.advise, SUPERVISOR, POST, takes_nothing=True),
        Door(f"{watched}/regrade", supervise.regrade, SUPERVISOR, POST),
        Door(f"{watched}/reassign", supervise.reassign, SUPERVISOR, POST),
        Door(f"{watched}/read", supervise.read, SUPERVISOR, POST),
        Door("/supervise/hours", hours.show, OPENING),
        Door("/supervise/hours", hours.change_week, OPENING, POST),
        Door("/supervise/hours/closures", hours.close, OPENING, POST),
        Door("/supervise/hours/closures/{number}/remove", hours.remove, OPENING, POST),
        Door("/supervise/hours/holidays", hours.change_holiday, OPENING, POST),
        Door("/supervise/reports", parts.reports.show, SUPERVISOR),
        Door("/supervise/reports/{table}.csv", parts.reports.file, SUPERVISOR),
    ]


def editor_doors(parts: Parts) -> list[Door]:
    editor, synonyms, images, article = parts.editor, parts.synonyms, parts.images, "/editor/{slug}"
    review, history = parts.review_pages, parts.history_pages
    return [
        Door("/editor", editor.work_list, EDITOR),
        Door("/editor/new", editor.new, EDITOR),
        Door("/editor/new", editor.create, EDITOR, POST),
        Door("/editor/preview", editor.preview, EDITOR, POST),
        Door("/editor/synonyms", synonyms.show, EDITOR),
        Door("/editor/synonyms", synonyms.add, EDITOR, POST),
        Door("/editor/synonyms/{number}", synonyms.change, EDITOR, POST),
        Door("/editor/synonyms/{number}/delete", synonyms.delete, EDITOR, POST),
        Door("/editor/images", images.list, EDITOR),
        Door("/editor/images", images.add, EDITOR, POST, largest_file=LARGEST_FILE),
        Door("/editor/images/{name}/remove", images.remove, EDITOR, POST),
        Door("/editor/gaps", parts.gaps.gaps, EDITOR),
        Door(article, editor.edit, EDITOR),
        Door(article, editor.save, EDITOR, POST),
        Door(f"{article}/here", editor.here, EDITOR, POST),
        Door(f"{article}/withdraw", editor.withdraw, EDITOR, POST),
        Door(f"{article}/review", review.show, EDITOR),
        Door(f"{article}/review", review.send, EDITOR, POST),
        Door(f"{article}/send-back", review.send_back, EDITOR, POST),
        Door(f"{article}/cancel", review.cancel, EDITOR, POST),
        Door(f"{article}/publish", review.publish, EDITOR, POST),
        Door(f"{article}/history", history.history, EDITOR),
        Door(f"{article}/compare", history.compare, EDITOR),
        Door(f"{article}/restore", history.restore, EDITOR, POST),
        Door(f"{article}/feedback", parts.gaps.feedback, EDITOR),
    ]


def create_app(settings: Settings, database: Database, redis: Redis, times: Times | None = None) -> "Service":
    """`times` is for tests that cannot wait a minute."""
    assets = Assets()
    assets.check_built()
    return Service(settings, Parts(settings, database, redis, times), assets)


class Service:
    """The ASGI app, and `drain` for the server that runs it."""

    def __init__(self, settings: Settings, parts: Parts, assets: Assets) -> None:
        self.parts = parts
        self.sockets = {
            "/chat/socket": parts.sockets.endpoint(parts.visitor.viewer),
            "/desk/socket": parts.sockets.endpoint(parts.desk_viewer),
        }
        self.doors = doors(parts)
        pages = [door.route() for door in self.doors]
        self._starlette = Starlette(
            routes=[*pages, Mount("/static", assets)],
            exception_handlers={HTTPException: _http_problem, Refusal: _refusal, Exception: _crash},
            lifespan=self._lifespan,
            max_body_size=LARGEST_BODY,
        )
        self._starlette.router.redirect_slashes = False
        self.state = self._starlette.state
        self.state.site = Site(settings, parts.signer, make_templates(assets, parts.clock), assets.url)
        self.state.identify = parts.identify
        self.state.drain = self.drain
        self.edge = Edge(self._enter, settings, lambda: parts.fanout.is_draining, self._tell)
        self._app: ASGIApp = ReadyAnswers(self.edge, settings.hosts)
        self._checks: set[asyncio.Task[None]] = set()
        parts.sessions.on_change(self._check_soon)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return self._app(scope, receive, send)

    def _enter(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Sockets go straight to their endpoint: what Starlette wraps around pages would stay for as long as they do."""
        serve = self.sockets.get(scope["path"]) if scope["type"] == "websocket" else None
        if serve is not None:
            return serve(WebSocket(scope, receive, send))
        return self._starlette(scope, receive, self._in_our_words(scope, receive, send))

    def _tell(self, scope: Scope, refusal: Refusal) -> Response:
        """What the edge refuses, before Starlette has seen it."""
        response = refuse(self._request(scope), refusal)
        # Another site's form comes without this browser's cookies, and must not replace them.
        del response.headers["set-cookie"]
        return response

    def _in_our_words(self, scope: Scope, receive: Receive, send: Send) -> Send:
        """Starlette answers a body that is too large past all handlers, with three words that tell nobody what to do."""
        is_replaced = False

        async def pass_on(message: Message) -> None:
            nonlocal is_replaced
            if is_replaced:
                return
            if message["type"] == "http.response.start" and message["status"] == 413:
                is_replaced = True
                await refuse_http(self._request(scope), HTTPException(413))(scope, receive, send)
            else:
                await send(message)

        return pass_on

    def _request(self, scope: Scope) -> Request:
        return Request({**scope, "app": self._starlette})

    async def drain(self) -> None:
        """Going away: no new sockets, and everybody is told when to come back."""
        with contextlib.suppress(TimeoutError):
            await self.parts.fanout.drain()

    @contextlib.asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[dict[str, object]]:
        parts = self.parts
        tasks = {
            "log": parts.log.run,
            "fanout": parts.fanout.run,
            "passing": parts.passing.run,
            "reads": parts.reads.run,
            "drafts": parts.drafts.run,
            "counts": parts.daily_counts.run,
            "signals": parts.signals.run,
            "queue": parts.queue.run,
            "leases": parts.leases.run,
            "desks": parts.desk_frames.run,
            "library": parts.library.run,
            "suggestions": parts.suggestions.run,
            "sign-ins": self._check_sign_ins,
        }
        async with running(tasks):
            yield {"turned_away": parts.sockets.turned_away}
        parts.passwords.close()
        parts.press.close()
        await parts.library.close()

    async def _check_sign_ins(self) -> None:
        """Sockets of ended sign-ins close within five seconds, also when no hint of it arrives."""
        while True:
            await asyncio.sleep(CHECK_SIGN_INS_S)
            await self._close_ended()

    async def _close_ended(self) -> None:
        async def live(tokens: set[str]) -> set[str]:
            return await self.parts.sessions.live(tokens, Role.ADVISOR, Role.SUPERVISOR)

        with contextlib.suppress(Refusal):
            await self.parts.fanout.close_unless(live)

    async def _changed_sign_ins(self, account_id: str) -> None:
        """Whoever signed out is gone at once: their desks close, and nothing waits for them."""
        await self._close_ended()
        with contextlib.suppress(Refusal):
            await self.parts.leases.signed_out(account_id)

    def _check_soon(self, account_id: str) -> None:
        task = asyncio.get_running_loop().create_task(self._changed_sign_ins(account_id))
        self._checks.add(task)
        task.add_done_callback(self._checks.discard)


async def _http_problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    return refuse_http(request, problem)


async def _crash(request: Request, problem: Exception) -> Response:
    """The page; the line in the log is the edge's, which meets the problem next."""
    return refuse_http(request, HTTPException(500))


async def _refusal(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Refusal)
    return refuse(request, problem)
