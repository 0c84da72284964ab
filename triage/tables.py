"""Tables of the line and of what comes after a conversation: hours, holidays, wrap-up, feedback."""

from sqlalchemy import BigInteger, Boolean, Column, Date, ForeignKey, Index, Integer, LargeBinary, String, Table

from core.db import Instant, RowId, metadata

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
