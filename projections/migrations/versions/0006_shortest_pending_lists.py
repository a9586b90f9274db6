"""Pending lists of the GIN indexes as short as they can be: to empty one held up all behind it."""

from __future__ import annotations

from alembic import op

from projections.migrations.statements import statements

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Set them, in kilobytes."""
    connection = op.get_bind()
    for statement in statements("0006_shortest_pending_lists.sql"):
        connection.exec_driver_sql(statement)
