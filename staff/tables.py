"""Tables of the people who work here: accounts, their roles, their sessions."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table

from core.db import Instant, metadata

account = Table(
    "account",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("email", String(254), nullable=False, unique=True),
    Column("name", String(80), nullable=False),
    Column("password_hash", String(255)),
    Column("disabled", Boolean, nullable=False, default=False),
    Column("demo", Boolean, nullable=False, default=False),
    Column("created_at", Instant, nullable=False),
    # online, busy or away; whether anyone is really there is a lease, not this.
    Column("presence", String(16), nullable=False, default="away"),
    Column("capacity", Integer, nullable=False, default=2),
    Column("presence_since", Instant),
    # Offers let go by in a row; three set the account away.
    Column("missed", Integer, nullable=False, default=0, server_default="0"),
    # Since when nothing was taken: the longest idle of the least loaded is offered the next.
    Column("idle_since", Instant),
)

account_role = Table(
    "account_role",
    metadata,
    Column("account_id", String(32), ForeignKey("account.id"), primary_key=True),
    Column("role", String(16), primary_key=True),
)

session = Table(
    "session",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("account_id", String(32), ForeignKey("account.id"), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Index(None, "account_id"),
)
