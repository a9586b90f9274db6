"""Tables not made from the log: users' keys, what is being removed, what was looked at and found.

A rebuild leaves them alone. They belong into the database's backups.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from projections.tables import metadata, timestamptz

user_keys = Table(
    "user_keys",
    metadata,
    Column("key_id", LargeBinary, primary_key=True, comment="Stands in the events it sealed"),
    Column("user_id", Text, comment="NULL: the key was destroyed"),
    Column("key", LargeBinary, comment="NULL: destroyed, and what it sealed is unreadable"),
    Column("created_at", timestamptz, nullable=False, server_default=text("now()")),
    Column("destroyed_at", timestamptz),
    comment="What is personal in an event is sealed with its user's key",
)
Index(
    "idx_user_keys_user_id",
    user_keys.c.user_id,
    unique=True,
    postgresql_where=text("user_id IS NOT NULL"),
)

erasures = Table(
    "erasures",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    Column("user_id", Text, nullable=False),
    Column("requested_at", timestamptz, nullable=False, server_default=text("now()")),
    Column("requested_by", Text),
    Column("finished_at", timestamptz, comment="NULL: begun, and to be gone on with"),
    Column("receipt", JSONB),
    comment="Users whose data was erased, and the receipts",
)
Index("idx_erasures_user_id", erasures.c.user_id)

image_removals = Table(
    "image_removals",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("reason", Text, nullable=False, comment="As in ImageDeleted"),
    Column("deleted_by", Text),
    Column("erasure_id", BigInteger),
    Column("files", JSONB, nullable=False, comment="URLs under which its bytes lie"),
    Column("planned_at", timestamptz, nullable=False, server_default=text("now()")),
    comment="Images on their way out: told first, then their bytes go, then the line here",
)
Index("idx_image_removals_erasure_id", image_removals.c.erasure_id)

image_uses = Table(
    "image_uses",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("last_used_at", timestamptz, nullable=False),
    comment="When an image was last looked at, or edited further",
)

reconciliations = Table(
    "reconciliations",
    metadata,
    Column("projection", Text, primary_key=True),
    Column("ran_at", timestamptz, nullable=False),
    Column("differences", BigInteger, nullable=False, comment="Found, and not mended"),
    comment="What the last reconcile of each projection found",
)

audit_runs = Table(
    "audit_runs",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    Column("ran_at", timestamptz, nullable=False, server_default=text("now()")),
    Column("checked", JSONB, nullable=False, comment="How much was compared"),
    Column("counts", JSONB, nullable=False, comment="Findings by kind"),
    comment="What each audit found",
)

audit_findings = Table(
    "audit_findings",
    metadata,
    Column("run_id", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("detail", Text, nullable=False),
    comment="The findings of the last audit, up to some thousands",
)
Index("idx_audit_findings_run_id", audit_findings.c.run_id)
