"""The tables of the statistics."""

from __future__ import annotations

from alembic import op

from projections.migrations.statements import statements

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create them."""
    connection = op.get_bind()
    for statement in statements("0002_statistics.sql"):
        connection.exec_driver_sql(statement)
