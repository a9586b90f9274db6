"""What audits found."""

from __future__ import annotations

from alembic import op

from projections.migrations.statements import statements

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create them."""
    connection = op.get_bind()
    for statement in statements("0004_audit.sql"):
        connection.exec_driver_sql(statement)
