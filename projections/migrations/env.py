"""Alembic's entry: runs the migrations on the connection that projections/migrate.py hands over."""

from __future__ import annotations

from alembic import context

import projections.statistics_tables  # noqa: F401  declares its tables in the same metadata
from projections.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
