"""${message}."""

from __future__ import annotations

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """See the module's first line."""
    ${upgrades if upgrades else "op.execute(...)"}
