"""Every table, declared once: the source for migrations, verification and queries.

No table names a schema: each is found on the connection's search_path, so the very same code
fills the live tables and a rebuild's shadow tables.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, CHAR, JSONB

metadata = MetaData()
timestamptz = DateTime(timezone=True)

generated_images = Table(
    "generated_images",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    Column("request_id", Text),
    Column("user_id", String(32), nullable=False),
    Column("username", Text),
    Column("tool_name", Text, nullable=False, server_default=text("'generateUserImage'")),
    Column("prompt", Text, nullable=False),
    Column("model", Text),
    Column("size", String(20)),
    Column("quality", String(20)),
    Column("style", String(20)),
    Column("n", Integer, server_default=text("1")),
    Column("storage_url", Text, nullable=False),
    Column("storage_provider", String(50), server_default=text("'omega'")),
    Column("mime_type", String(50)),
    Column("bytes", Integer),
    Column("sha256", CHAR(64)),
    Column("tags", ARRAY(Text)),
    Column("status", String(20), nullable=False, server_default=text("'success'")),
    Column("error", Text),
    Column("metadata", JSONB),
    Column("message_id", Text),
    Column("created_at", timestamptz, nullable=False, server_default=text("now()")),
    Column("event_id", Text, comment="The event that made the row; NULL: no event did"),
    comment="Projection of the image event log: one row for each request",
)
_images = generated_images.c
Index("idx_generated_images_user_id_created_at", _images.user_id, _images.created_at.desc())
Index("idx_generated_images_request_id", _images.request_id, unique=True)
Index("idx_generated_images_status", _images.status, postgresql_where=text("status <> 'success'"))
Index("idx_generated_images_storage_url", _images.storage_url)
# PostgreSQL's 4 MB are emptied by the batch that fills them, which takes 0.3 s.
_GIN: Any = {"postgresql_using": "gin", "postgresql_with": {"gin_pending_list_limit": 64}}
Index("idx_generated_images_metadata_gin", _images.metadata, **_GIN)
Index("idx_generated_images_tags_gin", _images.tags, **_GIN)
Index("idx_generated_images_created_at_id", _images.created_at.desc(), _images.id.desc())
Index(
    "idx_generated_images_tool_name_created_at_id",
    _images.tool_name,
    _images.created_at.desc(),
    _images.id.desc(),
)

image_relocations = Table(
    "image_relocations",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("row_id", BigInteger, nullable=False, comment="Least id of the request's events so far"),
    Column("event_id", Text, nullable=False),
    Column("moved_at", timestamptz, nullable=False),
    Column("storage_url", Text, nullable=False),
    Column("storage_provider", String(50), nullable=False),
    Column("mime_type", String(50)),
    Column("bytes", Integer),
    Column("sha256", CHAR(64)),
    Column("original_storage_url", Text, comment="Where the success itself said the image lies"),
    Column("original_storage_provider", String(50)),
    Column("original_mime_type", String(50)),
    Column("original_bytes", Integer),
    Column("original_sha256", CHAR(64)),
    comment="The latest ImageMoved of a request, kept even before its success arrives",
)

deleted_images = Table(
    "deleted_images",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("row_id", BigInteger, nullable=False, comment="The id the row had, or would have had"),
    Column("event_id", Text, nullable=False),
    Column("deleted_at", timestamptz, nullable=False),
    Column("reason", Text, nullable=False),
    Column("deleted_by", Text),
    comment="Tombstones: these requests have no row, for ever",
)

projection_positions = Table(
    "projection_positions",
    metadata,
    Column("projection", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("topic_id", Text, nullable=False),
    Column("next_offset", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("owner", Text, nullable=False),
    Column("updated_at", timestamptz, nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("projection", "topic", "partition"),
    comment="How far each projection has come; moves in the transaction that writes the rows",
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    Column("projection", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("timestamp_ms", BigInteger, nullable=False),
    Column("key", LargeBinary),
    Column("value", LargeBinary),
    Column("headers", JSONB, nullable=False, comment="[[name, value in base64], ...]"),
    Column("error_class", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("fingerprint", Text, nullable=False, comment="Equal for faults of one kind"),
    Column("first_seen", timestamptz, nullable=False, server_default=text("now()")),
    Column("last_seen", timestamptz, nullable=False, server_default=text("now()")),
    Column("attempts", Integer, nullable=False, server_default=text("1")),
    Column("state", Text, nullable=False, server_default=text("'open'")),
    Column("history", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    UniqueConstraint("projection", "topic", "partition", "offset", name="uq_dead_letters_place"),
    comment="Records that could not be projected, whole, with the reason",
)
Index(
    "idx_dead_letters_state_fingerprint",
    dead_letters.c.projection,
    dead_letters.c.state,
    dead_letters.c.fingerprint,
)
