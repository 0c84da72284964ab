"""Tables of a conversation: what it is, its log, who else was brought in, unsent drafts.

Everything that people write is in a `sealed` column, under the conversation's own key.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, UniqueConstraint

from core.db import Instant, RowId, metadata

conversation = Table(
    "conversation",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("reference", String(9), nullable=False, unique=True),
    Column("status", String(16), nullable=False),
    Column("urgency", String(16), nullable=False),
    Column("waiting_since", Instant, nullable=False),
    # waiting_since less the bonus of its urgency, in milliseconds: static, so that nobody starves (values.md of the wire).
    Column("sort_key", BigInteger, nullable=False),
    Column("advisor_id", String(32), ForeignKey("account.id")),
    # Raised by each claim; a write that carries an older number is refused.
    Column("claim_epoch", Integer, nullable=False, default=0),
    Column("last_seq", Integer, nullable=False, default=0),
    Column("visitor_token_hash", LargeBinary, unique=True),
    Column("resume_code_hash", LargeBinary),
    # Tells an enquiry that is sent again, by the browser that sent it (triage/sent_again.py).
    Column("enquiry_hash", LargeBinary),
    Column("wrapped_key", LargeBinary),
    Column("sector", String(64), nullable=False),
    Column("area", String(64), nullable=False),
    Column("topic", String(64), nullable=False),
    Column("deadline", String(16), nullable=False),
    Column("immediate_danger", String(16), nullable=False),
    Column("called_999", String(16)),
    # Slugs separated by a space.
    Column("risk_flags", String(512), nullable=False),
    Column("language", String(2), nullable=False),
    Column("sealed_nickname", LargeBinary),
    Column("created_at", Instant, nullable=False),
    Column("claimed_at", Instant),
    # When it was taken for the first time; claimed_at is when it was taken last.
    Column("first_claimed_at", Instant),
    # How often it went back into the line because its advisor was lost.
    Column("requeues", Integer, nullable=False, default=0, server_default="0"),
    # When it left the line as a question, to be answered later.
    Column("question_at", Instant),
    # The status in which it was when its text was erased: what is counted goes on from there.
    Column("closed_as", String(16)),
    # When the visitor who had gone quiet was last asked whether they are still there.
    Column("nudged_at", Instant),
    Column("ended_at", Instant),
    # visitor, advisor or system
    Column("ended_by", String(16)),
    Column("visitor_read", Integer, nullable=False, default=0),
    Column("advisor_read", Integer, nullable=False, default=0),
    Column("visitor_last_at", Instant),
    Column("advisor_last_at", Instant),
    Index(None, "status", "sort_key"),
    Index(None, "advisor_id", "status"),
    Index(None, "created_at"),
    Index(None, "enquiry_hash", unique=True),
)

# Rows in order of arrival. `author` is `visitor`, `system` or an account id.
event = Table(
    "event",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("conversation_id", RowId, ForeignKey("conversation.id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("author", String(32), nullable=False),
    # The UUID that the sender made, as 32 hexadecimal digits.
    Column("client_id", String(32)),
    Column("at_ms", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("conversation_id", "seq"),
    UniqueConstraint("conversation_id", "author", "client_id"),
)

# Staff other than the advisor who were brought in on the record: `joined` (both sides see it) or `consulted` (notes only).
participant = Table(
    "participant",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("conversation_id", RowId, ForeignKey("conversation.id"), nullable=False),
    Column("account_id", String(32), ForeignKey("account.id"), nullable=False),
    Column("part", String(16), nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant),
    Index(None, "account_id", "until"),
    Index(None, "conversation_id", "until"),
)

draft = Table(
    "draft",
    metadata,
    Column("conversation_id", RowId, ForeignKey("conversation.id"), primary_key=True),
    Column("account_id", String(32), ForeignKey("account.id"), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("at", Instant, nullable=False),
)
