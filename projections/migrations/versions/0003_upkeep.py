"""Users' keys, and what removing images needs."""

from __future__ import annotations

from alembic import op

from projections.migrations.statements import statements

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create them."""
    connection = op.get_bind()
    for statement in statements("0003_upkeep.sql"):
        connection.exec_driver_sql(statement)
