"""The parts of the line and of the desk, and the pages that are theirs. Who needs what is read here."""

from redis.asyncio import Redis

from app.talk_parts import TalkParts
from chat.identifiers import mask_all
from core.clock import Clock
from core.db import Database
from core.settings import Settings
from knowledge.library import Library
from knowledge.search_notes import SearchNotes
from triage.board import Board
from triage.claims import Claims
from triage.colleague_pages import ColleaguePages
from triage.company import Company
from triage.desk import DeskPages
from triage.desk_frames import DeskFrames
from triage.desk_view import DeskViews
from triage.feedback import Feedbacks
from triage.guidance import Guidance
from triage.hours import Opening
from triage.hours_pages import HoursPages
from triage.invitations import Invitations
from triage.leases import Leases
from triage.notice_pages import NoticePages
from triage.notices import Notices
from triage.offers import Offers
from triage.presence import Presences
from triage.queue import Queue
from triage.quiet import Nudges
from triage.replies import Replies
from triage.reply_pages import ReplyPages
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


class LineParts(TalkParts):
    def __init__(self, settings: Settings, db: Database, redis: Redis, clock: Clock, times: Times | None) -> None:
        super().__init__(settings, db, redis, clock)
        log, fanout, signals, audit = self.log, self.fanout, self.signals, self.audit
        notes = SearchNotes(db, signals, self.keyring, self.signer, mask_all, clock)
        self.library = Library(db, signals, notes, clock)
        self.opening = Opening(db, clock)
        self.queue = Queue(db, log, fanout, signals, self.opening, clock, times)
        self.guidance = Guidance(db, self.library, clock)
        self.tickets = Tickets(self.keyring, clock)
        self.feedbacks = Feedbacks(db, self.conversations, clock)
        self.notices = Notices(db, signals, clock)
        self.offers = Offers(db, signals, audit, self.notices, clock, times)
        self.claims = Claims(db, log, fanout, audit, clock, self.offers)
        self.presences = Presences(db, clock, self.offers, self.notices)
        self.leases = Leases(db, fanout, signals.node, clock, times)
        self.desk_frames = DeskFrames(db, fanout, signals)
        self.offers.on_changed(self.desk_frames.look)
        self.notices.on_told(self.desk_frames.look)
        self.wrap_ups = WrapUps(db, self.conversations, audit, clock)
        self.surroundings = Surroundings(db, log, self.queue, self.guidance, self.tickets, self.feedbacks)
        self.suggestions = Suggestions(log, fanout, signals, self.conversations, self.guidance)
        self.transfers = Transfers(db, log, fanout, self.offers, self.notices, audit, clock)
        self.invitations = Invitations(db, log, fanout, self.notices, audit, clock)
        self.supervision = Supervision(db, log, self.conversations, fanout, self.queue, self.notices, audit, clock)
        self.replies = Replies(db, self.opening, audit, clock)
        self._make_desk()
        self._make_supervision()

    def _make_desk(self) -> None:
        """The advisor's pages."""
        views = DeskViews(
            self.db,
            self.log,
            self.drafts,
            self.conversations,
            self.queue,
            self.opening,
            self.presences,
            self.guidance,
            self.wrap_ups,
            self.clock,
            self.epoch,
            self.offers,
            self.notices,
            Company(self.db, self.transfers, self.invitations, self.replies, self.clock),
        )
        self.desk = DeskPages(
            self.db,
            self.log,
            self.saying,
            self.drafts,
            self.conversations,
            self.fanout,
            self.queue,
            self.claims,
            self.presences,
            self.guidance,
            self.suggestions,
            views,
            self.clock,
        )
        self.colleagues = ColleaguePages(
            self.db,
            self.log,
            self.keys,
            self.conversations,
            self.transfers,
            self.invitations,
            self.supervision,
            Nudges(self.db, self.log, self.clock),
            self.holds,
            self.audit,
            self.clock,
        )
        self.reply_pages = ReplyPages(self.replies, self.holds)
        self.notice_pages = NoticePages(self.notices)
        self.wrap_up = WrapUpPages(self.conversations, self.wrap_ups, self.holds)

    def _make_supervision(self) -> None:
        """The supervisor's pages."""
        self.supervise = SupervisePages(
            self.db,
            Board(self.db, self.opening, self.clock),
            self.opening,
            self.queue,
            self.conversations,
            self.supervision,
            self.transfers,
            self.notices,
            self.holds,
            self.audit,
            self.clock,
        )
        self.hours = HoursPages(self.db, self.opening, self.queue, self.holds, self.audit, self.clock)
        self.reports = ReportPages(self.db, Reports(self.db), self.audit, self.clock)
