"""The tables of the statistics: slim requests, sums by bucket, and who is counted in each.

A bucket is one value of one dimension, written ``dimension=value`` (``tool=renderChart``), or the
dimension alone where the value is NULL (``model``: requests without a model) and for ``total``.
Text is compared by code point (collation "C"): that is Python's own order, and the cheapest.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from projections.tables import metadata, timestamptz

ByCodePoint = Text(collation="C")

statistics_requests = Table(
    "statistics_requests",
    metadata,
    Column("request_id", ByCodePoint, primary_key=True),
    Column("outcome_time", timestamptz, comment="The winning event's; NULL: no outcome yet"),
    Column("event_id", ByCodePoint),
    Column("user_id", ByCodePoint),
    Column("tool_name", ByCodePoint),
    Column("model", ByCodePoint),
    Column("storage_provider", ByCodePoint, comment="As the success itself said"),
    Column("bytes", Integer, comment="As the success itself said"),
    Column("error_fingerprint", ByCodePoint, comment="NULL: the outcome is a success"),
    Column("move_time", timestamptz, comment="Of the latest ImageMoved"),
    Column("move_event_id", ByCodePoint),
    Column("move_provider", ByCodePoint),
    Column("move_bytes", Integer, comment="NULL: as the success said"),
    Column("deleted", Boolean, nullable=False, server_default=text("false")),
    comment="What each request contributes to the statistics; a deleted one is kept as tombstone",
)
_requests = statistics_requests.c
Index("idx_statistics_requests_user_id_time", _requests.user_id, _requests.outcome_time)
Index(
    "idx_statistics_requests_failures",
    _requests.user_id,
    _requests.error_fingerprint,
    postgresql_where=text("error_fingerprint IS NOT NULL"),
)

statistics_sums = Table(
    "statistics_sums",
    metadata,
    Column("bucket", ByCodePoint, nullable=False, comment="dimension=value, or the dimension"),
    Column("shard", Integer, nullable=False, comment="A partition that the writer held"),
    Column("total", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("bytes_sum", BigInteger, nullable=False),
    Column("bytes_count", BigInteger, nullable=False),
    Column("unique_users", BigInteger, nullable=False, comment="0 in the buckets of users"),
    Column("label", Text, comment="What an error's fingerprint stands for"),
    PrimaryKeyConstraint("bucket", "shard"),
    comment="Only the sum over the shards counts; one shard alone may be negative",
    postgresql_with={"fillfactor": 50},
)

statistics_members = Table(
    "statistics_members",
    metadata,
    Column("bucket", ByCodePoint, nullable=False),
    Column("user_id", ByCodePoint, nullable=False),
    PrimaryKeyConstraint("bucket", "user_id"),
    comment="The users counted in each bucket's unique_users",
)

statistics_unsettled = Table(
    "statistics_unsettled",
    metadata,
    Column("bucket", ByCodePoint, nullable=False),
    Column("user_id", ByCodePoint, nullable=False),
    Column("shard", Integer, nullable=False),
    PrimaryKeyConstraint("bucket", "user_id", "shard"),
    comment="Memberships that may be out of date; whoever reads judges them by the requests",
)

statistics_generation = Table(
    "statistics_generation",
    metadata,
    Column("single", Boolean, primary_key=True, server_default=text("true")),
    Column("generation", BigInteger, nullable=False),
    comment="Rises when members are removed: what workers remember of them is void",
)
