"""The parts of the service, made once a process and given to each other: here the public's pages, the staff's own, guidance
and live connections, on top of the talk and the line."""

from functools import partial

from redis.asyncio import Redis
from starlette.requests import HTTPConnection, Request

from app.health import Health
from app.line_parts import LineParts
from chat.identifiers import mask_all
from chat.pages import VisitorPages
from chat.socket import Sockets
from chat.stream import Streams
from chat.tabs import Tabs
from chat.transcripts import Press
from chat.viewer import Viewer
from chat.words import Side
from core.clock import Clock, utc_now
from core.db import Database
from core.errors import NotAllowed
from core.limits import Limiter
from core.people import Role, SignedIn
from core.settings import Settings
from core.web import VISITOR_COOKIE
from knowledge.editor import EditorPages
from knowledge.gap_pages import GapPages
from knowledge.history_pages import HistoryPages
from knowledge.image_pages import ImagePages
from knowledge.pages import GuidancePages
from knowledge.review_pages import ReviewPages
from knowledge.synonym_pages import SynonymPages
from knowledge.words import FOR_ANYONE, FOR_STAFF, FOR_VISITORS, Audiences
from staff.account_pages import AccountPages
from staff.accounts import Accounts
from staff.pages import SignInPages
from staff.passwords import Passwords
from staff.sessions import Sessions
from triage.ask import AskPages
from triage.feedback import FeedbackPages
from triage.pages import PublicPages
from triage.times import Times

ENQUIRIES_PER_SECOND, ENQUIRIES_BURST = 1.0, 60.0
"""A whole police force may come from one address."""

COMMENTS_PER_SECOND, COMMENTS_BURST = 0.2, 20.0
PREVIEWS_PER_SECOND, PREVIEWS_BURST = 2.0, 30.0
"""One editor's: the page asks when the typing pauses, so that saves of others never wait behind previews."""


class Parts(LineParts):
    def __init__(
        self, settings: Settings, db: Database, redis: Redis, times: Times | None = None, clock: Clock = utc_now
    ) -> None:
        super().__init__(settings, db, redis, clock, times)
        self.sessions = Sessions(db, self.signals, "__Host-session" if settings.https else "session", clock)
        self.passwords = Passwords()
        self.press = Press()
        self.health = Health(db, self.signals, self.fanout, self.log, settings)
        accounts = Accounts(db, self.audit, self.sessions, clock)
        known = (db, self.audit, accounts, self.sessions, self.passwords, self.throttle, clock)
        self.sign_in = SignInPages(*known)
        self.account = AccountPages(*known)
        self._make_public()
        comments = Limiter(COMMENTS_PER_SECOND, COMMENTS_BURST, enabled=settings.rate_limits)
        self.guidance_pages = GuidancePages(db, self.library, self.keyring, comments, self.reader_of, mask_all, clock)
        previews = Limiter(PREVIEWS_PER_SECOND, PREVIEWS_BURST, enabled=settings.rate_limits)
        self.editor = EditorPages(db, self.audit, self.library, previews, clock)
        self.review_pages = ReviewPages(db, self.audit, self.library, clock)
        self.history_pages = HistoryPages(db, self.audit, self.library, clock)
        self.synonyms = SynonymPages(db, self.audit, self.library, clock)
        self.images = ImagePages(db, self.audit, self.reader_of, clock)
        self.gaps = GapPages(db, self.keyring, self.library.search_notes, clock)

        # Live connections.
        limited, epoch = settings.rate_limits, self.epoch
        fanout, passing, reads = self.fanout, self.passing, self.reads
        tabs = Tabs(self.signals, clock)
        self.sockets = Sockets(fanout, passing, self.saying, reads, tabs, epoch, rate_limits=limited)
        self.visitor_streams = Streams(fanout, passing, reads, epoch, self.visitor.viewer, rate_limits=limited)
        self.desk_streams = Streams(fanout, passing, reads, epoch, self.desk_viewer, rate_limits=limited)

    def _make_public(self) -> None:
        """The visitor's pages."""
        db, log, clock, conversations = self.db, self.log, self.clock, self.conversations
        self.public = PublicPages(db, log, conversations, self.queue, self.opening, self.guidance, clock)
        self.ask = AskPages(
            db,
            conversations,
            log,
            self.holds,
            self.audit,
            self.opening,
            self.tickets,
            Limiter(ENQUIRIES_PER_SECOND, ENQUIRIES_BURST, enabled=self.settings.rate_limits),
            clock,
            self.guidance,
        )
        self.visitor = VisitorPages(
            db,
            conversations,
            log,
            self.saying,
            self.fanout,
            self.surroundings,
            self.press,
            self.throttle,
            clock,
            self.epoch,
            rate_limits=self.settings.rate_limits,
        )
        self.feedback = FeedbackPages(conversations, self.feedbacks, self.holds, self.visitor.show_ended)

    async def reader_of(self, request: Request) -> Audiences:
        """Which guidance a reader may see: staff all of it, a visitor after the enquiry more than the public."""
        if await self.sessions.identify(request) is not None:
            return FOR_STAFF
        known = await self.conversations.of_visitor(request.cookies.get(VISITOR_COOKIE, ""))
        return FOR_ANYONE if known is None else FOR_VISITORS

    async def identify(self, connection: HTTPConnection) -> SignedIn | None:
        """The account behind a request; whoever asks for something of the desk is there."""
        person = await self.sessions.identify(connection)
        if person is not None and connection.url.path.startswith("/desk"):
            self.leases.requested(person.account_id)
        return person

    async def desk_viewer(self, connection: HTTPConnection) -> Viewer | None:
        """The advisor or supervisor behind a request or a socket. Raises NotAllowed for whoever is signed in as neither."""
        person = await self.sessions.identify(connection)
        if person is None:
            return None
        if not person.has(Role.ADVISOR, Role.SUPERVISOR):
            raise NotAllowed

        async def may_act() -> bool:
            return await self.sessions.find(person.token) is not None

        def surely_may_act() -> bool:
            return self.sessions.recall(person.token) is not None

        heads = partial(self.conversations.heads_of_account, person.account_id)
        once = partial(self.conversations.head_once_of, person.account_id)
        still = partial(self.conversations.still_seen_by, person.account_id)
        act = may_act, surely_may_act
        return Viewer(Side.ADVISOR, person.account_id, person.name, person.token, heads, *act, once, still)
