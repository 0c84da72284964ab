"""What every process that talks needs: keys, signals, the log and what passes it on. Made once a process."""

from redis.asyncio import Redis

from app.migrations import database_epoch
from chat.conversations import Conversations
from chat.drafts import Drafts
from chat.fanout import Fanout
from chat.holding import Holds
from chat.keys import ConversationKeys
from chat.log import Log
from chat.passing import Passing
from chat.reading import ReadMarks
from chat.saying import Saying
from core.audit import AuditLog
from core.clock import Clock
from core.crypto import KeyRing, Signer
from core.db import Database
from core.limits import Throttle
from core.settings import Settings
from core.signals import Signals
from triage.daily_counts import DailyCounts


class TalkParts:
    def __init__(self, settings: Settings, db: Database, redis: Redis, clock: Clock) -> None:
        self.settings = settings
        self.db = db
        self.clock = clock
        self.epoch = database_epoch(db.url)
        self.signer = Signer.from_file(settings.secret_key_file)
        self.keyring = KeyRing.from_file(settings.master_keys_file)
        self.keys = ConversationKeys(self.keyring)
        self.audit = AuditLog(self.signer)
        self.throttle = Throttle(self.signer, enabled=settings.rate_limits)
        self.signals = Signals(redis, f"dutyline:{self.epoch[:16]}")
        self.log = Log(db, self.keys, clock)
        self.drafts = Drafts(db, self.keys, clock)
        self.daily_counts = DailyCounts(db, clock)
        self.holds = Holds(self.daily_counts.add)
        self.saying = Saying(self.log, self.holds, self.drafts)
        self.fanout = Fanout(self.log, self.signals)
        self.passing = Passing(self.log, self.fanout, self.signals)
        self.reads = ReadMarks(db, self.fanout, self.passing)
        self.conversations = Conversations(db, self.log, self.keys, clock)
