"""Tables of the guidance: articles, their versions and the way of a draft to readers, where they were used, what was said."""

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
)

from core.db import Instant, RowId, metadata

# `published` and `draft` point at versions; an article may have both, side by side.
article = Table(
    "article",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("slug", String(120), nullable=False, unique=True),
    Column("status", String(16), nullable=False),
    Column("published_version", Integer),
    Column("draft_version", Integer),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("withdrawn_at", Instant),
    Column("withdrawn_reason", Text),
    # The guidance counter when readers last saw this article change; 0 before its first publication. Indexes follow it.
    Column("changed", BigInteger, nullable=False, default=0, index=True),
)

# Append only: a version is never changed. `meta` is the front matter as JSON, unknown keys included.
article_version = Table(
    "article_version",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("article_id", RowId, ForeignKey("article.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("title", String(200), nullable=False),
    Column("summary", String(500), nullable=False),
    Column("audience", String(16), nullable=False),
    # Slugs separated by a space.
    Column("tags", String(1000), nullable=False),
    Column("owner", String(120), nullable=False),
    Column("last_checked", Date),
    Column("review_by", Date),
    Column("meta", Text, nullable=False),
    Column("markdown", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("author_id", String(32), ForeignKey("account.id")),
    Column("created_at", Instant, nullable=False),
    Column("published_at", Instant),
    Column("language", String(2), nullable=False, server_default="en"),
    # The slug of the article of which this is the other language; empty for an original.
    Column("translation_of", String(120), nullable=False, server_default=""),
    UniqueConstraint("article_id", "version"),
)

# A picture that an editor sent, made anew. Its name is made from its content, so that what is under a name never changes.
image = Table(
    "image",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("alt", String(300), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("added_by", String(32), ForeignKey("account.id"), nullable=False),
    Column("created_at", Instant, nullable=False),
)

# Which versions show which picture. A version may name one that was never sent, or is sent later.
article_image = Table(
    "article_image",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("article_id", RowId, ForeignKey("article.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
)

# Where a draft is on its way to readers: with a colleague, or waiting for its moment. Without a row it is being written. A
# row whose version is no longer the draft counts for nothing.
draft_progress = Table(
    "draft_progress",
    metadata,
    Column("article_id", RowId, ForeignKey("article.id"), primary_key=True),
    Column("version", Integer, nullable=False),
    # in_review or scheduled
    Column("status", String(16), nullable=False),
    # Who sent it to review, or who scheduled it.
    Column("by_id", String(32), ForeignKey("account.id"), nullable=False),
    # Who is asked to look; nobody by name when anybody may.
    Column("reviewer_id", String(32), ForeignKey("account.id")),
    Column("publish_at", Instant, index=True),
    Column("at", Instant, nullable=False),
)

# Append only: what editors did with an article and the words they gave for it.
article_step = Table(
    "article_step",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("article_id", RowId, ForeignKey("article.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", String(24), nullable=False),
    Column("by_id", String(32), ForeignKey("account.id")),
    Column("reviewer_id", String(32), ForeignKey("account.id")),
    Column("publish_at", Instant),
    Column("words", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "article_id", "id"),
)

# An editor has the page of an article open, until then at least.
editing_lease = Table(
    "editing_lease",
    metadata,
    Column("article_id", RowId, ForeignKey("article.id"), primary_key=True),
    Column("account_id", String(32), ForeignKey("account.id"), primary_key=True),
    Column("since", Instant, nullable=False),
    Column("until", Instant, nullable=False),
)

synonym = Table(
    "synonym",
    metadata,
    Column("id", RowId, primary_key=True),
    # Words that mean the same, separated by commas.
    Column("words", String(500), nullable=False, unique=True),
)

# A use is a share into a conversation, a reading while waiting, or an opening from search.
article_use = Table(
    "article_use",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("article_id", RowId, ForeignKey("article.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("conversation_id", RowId),
    Column("at", Instant, nullable=False),
    Index(None, "article_id", "at"),
    Index(None, "conversation_id"),
)

article_feedback = Table(
    "article_feedback",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("article_id", RowId, ForeignKey("article.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("helpful", Boolean, nullable=False),
    Column("sealed_comment", LargeBinary),
    Column("at", Instant, nullable=False),
    Index(None, "article_id"),
)

# A search after which nothing was opened.
search_log = Table(
    "search_log",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("sealed_query", LargeBinary, nullable=False),
    Column("results", Integer, nullable=False),
    Column("at", Instant, nullable=False, index=True),
)
