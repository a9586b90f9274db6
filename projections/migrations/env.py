"""Alembic's entry: runs the migrations on the connection that projections/migrate.py hands over."""

from __future__ import annotations

from alembic import context

from projections import statistics_tables
from projections.tables import metadata

assert statistics_tables.metadata is metadata  # noqa: S101  imported for the tables it declares

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
