"""The image table, made or adopted, and what the ledger keeps beside it."""

from __future__ import annotations

from alembic import context, op

from projections.adoption import adopt, table_kind
from projections.migrations.statements import statements

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Adopt an existing generated_images without losing a row; else create it. Then the rest."""
    connection = op.get_bind()
    if table_kind(connection, "generated_images") is None:
        for statement in statements("0001_generated_images.sql"):
            connection.exec_driver_sql(statement)
    else:
        adopt(connection, **context.config.attributes.get("adoption", {}))
    for statement in statements("0001_ledger.sql"):
        connection.exec_driver_sql(statement)
