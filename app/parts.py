"""The parts of the service, made once a process and given to each other. Who needs what is read here."""

from functools import partial

from redis.asyncio import Redis
from starlette.requests import HTTPConnection, Request

from app.health import Health
from app.migrations import database_epoch
from chat.conversations import Conversations
from chat.drafts import Drafts
from chat.fanout import Fanout
from chat.holding import Holds
from chat.keys import ConversationKeys
from chat.log import Log
from chat.pages import VisitorPages
from chat.reading import ReadMarks
from chat.saying import Saying
from chat.session import Viewer
from chat.socket import Sockets
from chat.stream import Streams
from chat.tabs import Tabs
from chat.words import Side
from core.audit import AuditLog
from core.clock import utc_now
from core.crypto import KeyRing, Signer
from core.db import Database
from core.limits import Limiter, Throttle
from core.people import Role, SignedIn
from core.settings import Settings
from core.signals import Signals
from core.web import VISITOR_COOKIE
from knowledge.editor import EditorPages
from knowledge.library import Library
from knowledge.pages import GuidancePages
from knowledge.words import FOR_ANYONE, FOR_STAFF, FOR_VISITORS, Audiences
from staff.account_pages import AccountPages
from staff.accounts import Accounts
from staff.pages import SignInPages, network
from staff.passwords import Passwords
from staff.sessions import Sessions
from triage.ask import AskPages
from triage.board import Board
from triage.claims import Claims
from triage.colleague_pages import ColleaguePages
from triage.daily_counts import DailyCounts
from triage.desk import DeskPages
from triage.desk_frames import DeskFrames
from triage.desk_view import DeskViews
from triage.feedback import FeedbackPages, Feedbacks
from triage.guidance import Guidance
from triage.hours import Opening
from triage.hours_pages import HoursPages
from triage.invitations import Invitations
from triage.leases import Leases
from triage.notice_pages import NoticePages
from triage.notices import Notices
from triage.offers import Offers
from triage.pages import PublicPages
from triage.presence import Presences
from triage.queue import Queue
from triage.report_pages import ReportPages
from triage.reports import Reports
from triage.suggestions import Suggestions
from triage.supervise import SupervisePages
from triage.supervising import Supervision
from triage.surroundings import Surroundings
from triage.ticket import Tickets
from triage.times import Times
from triage.transfers import Transfers
from triage.wrap_up import WrapUpPages, WrapUps

ENQUIRIES_PER_SECOND, ENQUIRIES_BURST = 1.0, 60.0
"""A whole police force may come from one address."""

COMMENTS_PER_SECOND, COMMENTS_BURST = 0.2, 20.0


class Parts:
    def __init__(self, settings: Settings, db: Database, redis: Redis, times: Times | None = None) -> None:
        clock = utc_now
        epoch = database_epoch(db.url)
        self.signer = signer = Signer.from_file(settings.secret_key_file)
        keyring = KeyRing.from_file(settings.master_keys_file)
        keys = ConversationKeys(keyring)
        audit = AuditLog(signer)
        throttle = Throttle(signer, enabled=settings.rate_limits)
        self.passwords = Passwords()
        self.signals = Signals(redis, f"dutyline:{epoch[:16]}")
        self.log = Log(db, keys, clock)
        self.drafts = Drafts(db, keys, clock)
        self.daily_counts = DailyCounts(db, clock)
        holds = Holds(self.daily_counts.add)
        saying = Saying(self.log, holds, self.drafts)
        self.fanout = Fanout(self.log, self.signals)
        self.reads = ReadMarks(db, self.fanout)
        self.conversations = Conversations(db, self.log, keys, clock)
        self.sessions = Sessions(db, self.signals, "__Host-session" if settings.https else "session", clock)
        self.queue = Queue(db, self.log, self.fanout, self.signals, clock)
        self.library = Library(db, self.signals, keyring, clock)
        self.health = Health(db, self.signals, self.fanout, self.log, settings)

        # What surrounds a conversation.
        self.opening = opening = Opening(db, clock)
        guidance = Guidance(db, self.library, clock)
        tickets = Tickets(keyring, clock)
        feedbacks = Feedbacks(db, self.conversations, clock)
        notices = Notices(db, self.signals, clock)
        offers = Offers(db, self.signals, audit, notices, clock, times)
        presences = Presences(db, clock, offers)
        self.leases = Leases(db, self.fanout, self.signals.node, clock, times)
        self.desk_frames = DeskFrames(db, self.fanout, self.signals)
        offers.on_changed(self.desk_frames.look)
        notices.on_told(self.desk_frames.look)
        wrap_ups = WrapUps(db, self.conversations, audit, clock)
        surroundings = Surroundings(db, self.log, self.queue, guidance, opening, tickets, feedbacks)
        self.suggestions = Suggestions(self.log, self.fanout, self.signals, self.conversations, guidance)

        # Pages.
        accounts = Accounts(db, audit, self.sessions, clock)
        self.sign_in = SignInPages(db, audit, accounts, self.sessions, self.passwords, throttle, clock)
        self.account = AccountPages(db, audit, accounts, self.sessions, self.passwords, throttle, clock)
        self.public = PublicPages(db, self.log, self.conversations, self.queue, opening, guidance, clock)
        enquiries = Limiter(ENQUIRIES_PER_SECOND, ENQUIRIES_BURST, enabled=settings.rate_limits)
        self.ask = AskPages(
            db, self.conversations, self.log, holds, audit, opening, tickets, enquiries, clock, guidance
        )
        self.visitor = VisitorPages(
            db,
            self.conversations,
            self.log,
            saying,
            self.fanout,
            surroundings,
            throttle,
            clock,
            epoch,
            network,
            rate_limits=settings.rate_limits,
        )
        self.hours = HoursPages(db, opening, self.queue, audit, clock)
        self.reports = ReportPages(db, Reports(db), audit, clock)
        self.feedback = FeedbackPages(self.conversations, feedbacks, holds, self.visitor.show_ended)
        claims = Claims(db, self.log, self.fanout, audit, clock, offers)
        views = DeskViews(
            db,
            self.log,
            self.drafts,
            self.conversations,
            self.queue,
            opening,
            presences,
            guidance,
            wrap_ups,
            clock,
            epoch,
            offers,
            notices,
        )
        self.desk = DeskPages(
            db,
            self.log,
            saying,
            self.drafts,
            self.conversations,
            self.fanout,
            self.queue,
            claims,
            presences,
            guidance,
            self.suggestions,
            views,
            clock,
        )
        self.notices = NoticePages(notices)
        transfers = Transfers(db, self.log, self.fanout, offers, notices, audit, clock)
        invitations = Invitations(db, self.log, self.fanout, notices, audit, clock)
        supervision = Supervision(db, self.log, self.conversations, self.fanout, self.queue, notices, audit, clock)
        self.colleagues = ColleaguePages(
            db, self.log, keys, self.conversations, transfers, invitations, supervision, holds, audit, clock
        )
        board = Board(db, opening, clock)
        self.supervise = SupervisePages(
            db, board, opening, self.queue, self.conversations, supervision, transfers, holds, audit, clock
        )
        self.wrap_up = WrapUpPages(self.conversations, wrap_ups, holds)
        comments = Limiter(COMMENTS_PER_SECOND, COMMENTS_BURST, enabled=settings.rate_limits)
        self.guidance = GuidancePages(db, self.library, keyring, comments, self.reader_of, clock)
        self.editor = EditorPages(db, audit, self.library, clock)

        # Live connections.
        self.sockets = Sockets(
            self.fanout, saying, self.reads, Tabs(self.signals, clock), epoch, rate_limits=settings.rate_limits
        )
        limited = settings.rate_limits
        self.visitor_streams = Streams(self.fanout, self.reads, epoch, self.visitor.viewer, rate_limits=limited)
        self.desk_streams = Streams(self.fanout, self.reads, epoch, self.desk_viewer, rate_limits=limited)

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
        """The advisor or supervisor behind a request or a socket."""
        person = await self.sessions.identify(connection)
        if person is None or not person.has(Role.ADVISOR, Role.SUPERVISOR):
            return None

        async def may_act() -> bool:
            return await self.sessions.find(person.token) is not None

        heads = partial(self.conversations.heads_of_account, person.account_id)
        once = partial(self.conversations.head_once_of, person.account_id)
        still = partial(self.conversations.still_seen_by, person.account_id)
        return Viewer(Side.ADVISOR, person.account_id, person.name, person.token, heads, may_act, once, still)
