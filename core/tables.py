"""Tables that belong to no part: settings of the service, the audit chain, leases, throttles, the outbox."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Table, Text

from core.db import Instant, RowId, metadata

setting = Table(
    "setting",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("data", Text, nullable=False),
    Column("mac", LargeBinary, nullable=False),
)

# One row: the end of the chain. It is locked by every append, so that two writers keep one chain.
audit_head = Table(
    "audit_head",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("length", BigInteger, nullable=False),
    Column("mac", LargeBinary, nullable=False),
)

lease = Table(
    "lease",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until", Instant, nullable=False),
)

# Tries at something that must not be guessed, by a keyed hash of who tries. Kept in the database so that a flushed Redis
# gives nobody new tries.
throttle = Table(
    "throttle",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("failures", BigInteger, nullable=False),
    Column("blocked_until", Instant, nullable=False),
    Column("seen", Instant, nullable=False),
)

# What is to be sent to somebody outside, until it is: at least once, by whichever worker leads.
outbox = Table(
    "outbox",
    metadata,
    Column("id", RowId, primary_key=True),
    # Names this very thing, so that it is put here once.
    Column("key", String(128), unique=True, index=True),
    Column("kind", String(64), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("made", Instant),
    Column("due", Instant, nullable=False),
    Column("tries", BigInteger, nullable=False),
    Column("done", Instant),
    # When it was given up.
    Column("dead", Instant),
    Index(None, "done", "due"),
)
