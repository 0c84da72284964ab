"""Tables of the line, of the desk, and of what comes after a conversation: hours, offers, presence, wrap-up, feedback."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from core.db import Instant, RowId, metadata


def _where(condition: str) -> dict[str, Any]:
    """An index of some rows only, on both engines."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


# One period of one weekday (0 is Monday), in minutes after midnight of Europe/London; several a day are allowed.
hours = Table(
    "hours",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("weekday", Integer, nullable=False),
    Column("opens_minute", Integer, nullable=False),
    Column("closes_minute", Integer, nullable=False),
)

holiday = Table(
    "holiday",
    metadata,
    Column("day", Date, primary_key=True),
    Column("name", String(120), nullable=False),
    Column("closed", Boolean, nullable=False),
)

wrap_up = Table(
    "wrap_up",
    metadata,
    Column("conversation_id", RowId, ForeignKey("conversation.id"), primary_key=True),
    Column("account_id", String(32), ForeignKey("account.id"), nullable=False),
    Column("outcome", String(32), nullable=False),
    # Slugs separated by a space.
    Column("topics", String(512), nullable=False),
    Column("abuse_types", String(512), nullable=False),
    Column("risk_level", String(16), nullable=False),
    Column("serial", String(16), nullable=False),
    Column("safeguarding", String(32), nullable=False),
    Column("minutes_after", Integer, nullable=False),
    Column("sealed_summary", LargeBinary),
    Column("at", Instant, nullable=False),
)

feedback = Table(
    "feedback",
    metadata,
    Column("conversation_id", RowId, ForeignKey("conversation.id"), primary_key=True),
    Column("helpful", Integer),
    Column("will_change_practice", String(16)),
    Column("sealed_comment", LargeBinary),
    Column("at", Instant, nullable=False),
)

# What remains for statistics once a conversation is erased: counts by day, measure and group.
daily_count = Table(
    "daily_count",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("day", Date, nullable=False),
    Column("measure", String(64), nullable=False),
    Column("grouping", String(64), nullable=False),
    Column("count", BigInteger, nullable=False),
    Index(None, "day", "measure", "grouping", unique=True),
)

# Guidance that an advisor put aside in a conversation: it is not suggested there again.
dismissal = Table(
    "dismissal",
    metadata,
    Column("conversation_id", RowId, ForeignKey("conversation.id"), primary_key=True),
    Column("slug", String(120), primary_key=True),
    Column("at", Instant, nullable=False),
)

# An advisor found that no guidance fits: what about, and what was shown. Nothing of what was said.
no_guidance = Table(
    "no_guidance",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("conversation_id", RowId, ForeignKey("conversation.id"), nullable=False),
    Column("topic", String(32), nullable=False),
    # Slugs separated by a space.
    Column("shown", String(500), nullable=False),
    Column("at", Instant, nullable=False, index=True),
    UniqueConstraint("conversation_id", "shown"),
)

# A stretch in which the service is closed whatever the week says: an afternoon of training, a moved office.
closure = Table(
    "closure",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("starts", Instant, nullable=False),
    Column("ends", Instant, nullable=False),
    Column("reason", String(120), nullable=False),
    Index(None, "ends"),
)

# A conversation held out to one advisor for a short time. `outcome` is `open` until it was answered, missed or withdrawn;
# a conversation and an advisor have one open offer at most. `reason` tells why this one was next, without content (JSON).
offer = Table(
    "offer",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("conversation_id", RowId, ForeignKey("conversation.id"), nullable=False),
    Column("account_id", String(32), ForeignKey("account.id"), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("outcome", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Index("ix_offer_open_conversation", "conversation_id", unique=True, **_where("outcome = 'open'")),
    Index("ix_offer_open_account", "account_id", unique=True, **_where("outcome = 'open'")),
    Index(None, "conversation_id", "made_at"),
    Index(None, "account_id", "made_at"),
)

# What an advisor can take that not everybody can, such as a conversation in Welsh.
account_skill = Table(
    "account_skill",
    metadata,
    Column("account_id", String(32), ForeignKey("account.id"), primary_key=True),
    Column("skill", String(32), primary_key=True),
)

# An advisor is there while a lease runs. Each web process renews the leases of the desks that are open with it.
presence_lease = Table(
    "presence_lease",
    metadata,
    Column("account_id", String(32), ForeignKey("account.id"), primary_key=True),
    Column("process", String(32), primary_key=True),
    Column("until", Instant, nullable=False),
    Index(None, "until"),
)

# What somebody is told when they next look at their desk, such as that a conversation went back into the line.
notice = Table(
    "notice",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("account_id", String(32), ForeignKey("account.id"), nullable=False),
    Column("conversation_id", RowId, ForeignKey("conversation.id")),
    Column("kind", String(32), nullable=False),
    Column("data", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("seen_at", Instant),
    Index(None, "account_id", "seen_at"),
)

# A colleague is asked to come: to advise on the side (`consult`), to join openly (`join`).
invitation = Table(
    "invitation",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("conversation_id", RowId, ForeignKey("conversation.id"), nullable=False),
    Column("from_id", String(32), ForeignKey("account.id"), nullable=False),
    Column("to_id", String(32), ForeignKey("account.id"), nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("outcome", String(16), nullable=False),
    Index(None, "to_id", "outcome"),
    Index(None, "conversation_id", "outcome"),
)

# A reply that is kept to be used again. Without an account it is everybody's.
saved_reply = Table(
    "saved_reply",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("account_id", String(32), ForeignKey("account.id")),
    Column("name", String(40), nullable=False),
    Column("text", Text, nullable=False),
    Column("changed_by", String(32), ForeignKey("account.id"), nullable=False),
    Column("changed_at", Instant, nullable=False),
    Index(None, "account_id", "name"),
)

# Somebody read a conversation that is not theirs, and said why. It can be read until `until`.
reading = Table(
    "reading",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("conversation_id", RowId, ForeignKey("conversation.id"), nullable=False),
    Column("account_id", String(32), ForeignKey("account.id"), nullable=False),
    Column("reason", String(500), nullable=False),
    Column("at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Index(None, "account_id", "until"),
)

# The line as it was every few minutes, kept for a day. `answered` counts from midnight in London.
line_sample = Table(
    "line_sample",
    metadata,
    Column("at", Instant, primary_key=True),
    Column("waiting", Integer, nullable=False),
    Column("longest_wait_s", Integer, nullable=False),
    Column("online", Integer, nullable=False),
    Column("active", Integer, nullable=False),
    Column("answered", Integer, nullable=False),
)
