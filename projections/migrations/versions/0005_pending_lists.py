"""Shorter pending lists of the GIN indexes: who fills one has to empty it, in one go."""

from __future__ import annotations

from alembic import op

from projections.migrations.statements import statements

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Set them, in kilobytes."""
    connection = op.get_bind()
    for statement in statements("0005_pending_lists.sql"):
        connection.exec_driver_sql(statement)
