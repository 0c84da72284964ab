"""The parts of the service, made once a process and given to each other. Who needs what is read here."""

from functools import partial

from redis.asyncio import Redis
from starlette.requests import HTTPConnection

from app.health import Health
from app.migrations import database_epoch
from chat.conversations import Conversations
from chat.fanout import Fanout
from chat.keys import ConversationKeys
from chat.log import Log
from chat.pages import VisitorPages
from chat.reading import ReadMarks
from chat.session import Viewer
from chat.socket import Sockets
from chat.stream import Streams
from chat.words import Side
from core.audit import AuditLog
from core.clock import utc_now
from core.crypto import KeyRing, Signer
from core.db import Database
from core.limits import Limiter, Throttle
from core.people import Role
from core.settings import Settings
from core.signals import Signals
from staff.accounts import Accounts
from staff.pages import SignInPages, network
from staff.passwords import Passwords
from staff.sessions import Sessions
from triage.ask import AskPages
from triage.claims import Claims
from triage.hours import Opening
from triage.presence import Presences
from triage.queue import Queue
from triage.ticket import Tickets

ENQUIRIES_PER_SECOND, ENQUIRIES_BURST = 1.0, 60.0
"""A whole police force may come from one address."""


class Parts:
    def __init__(self, settings: Settings, db: Database, redis: Redis) -> None:
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
        self.fanout = Fanout(self.log, self.signals)
        self.reads = ReadMarks(db, self.fanout)
        self.conversations = Conversations(db, self.log, keys, clock)
        self.sessions = Sessions(db, self.signals, "__Host-session" if settings.https else "session", clock)
        self.queue = Queue(db, self.log, self.fanout, self.signals, clock)

        self.health = Health(db, self.signals, self.fanout, self.log, settings)
        accounts = Accounts(db, audit, self.sessions, clock)
        self.sign_in = SignInPages(db, audit, accounts, self.sessions, self.passwords, throttle, clock)
        self.opening = Opening(db, clock)
        tickets = Tickets(keyring, clock)
        enquiries = Limiter(ENQUIRIES_PER_SECOND, ENQUIRIES_BURST, enabled=settings.rate_limits)
        self.ask = AskPages(
            db, self.conversations, self.log, audit, self.opening, tickets, enquiries, clock, lambda text: ()
        )
        self.visitor = VisitorPages(db, self.conversations, self.log, None, throttle, clock, epoch, network)
        self.claims = Claims(db, self.log, self.fanout, audit, clock)
        self.presences = Presences(db, clock)
        self.sockets = Sockets(self.fanout, self.log, self.reads, epoch, rate_limits=settings.rate_limits)
        self.visitor_streams = Streams(self.fanout, self.reads, epoch, self.visitor.viewer)
        self.desk_streams = Streams(self.fanout, self.reads, epoch, self.desk_viewer)

    async def desk_viewer(self, connection: HTTPConnection) -> Viewer | None:
        """The advisor or supervisor behind a request or a socket."""
        person = await self.sessions.identify(connection)
        if person is None or not person.has(Role.ADVISOR, Role.SUPERVISOR):
            return None

        async def may_act() -> bool:
            return await self.sessions.find(person.token) is not None

        heads = partial(self.conversations.heads_of_account, person.account_id)
        return Viewer(Side.ADVISOR, person.account_id, person.name, person.token, heads, may_act)
