"""The lag of the ledger's projections, over a reader and a connection of its own."""

from __future__ import annotations

from typing import Any

from consumers import lag
from operations.wiring import PROJECTIONS, Ledger


def lag_of(ledger: Ledger) -> list[dict[str, Any]]:
    """As consumers.lag.lag_of. Raises TopicMissing, LogUnavailable, psycopg.Error."""
    reader = ledger.reader()
    try:
        with ledger.connect() as connection:
            return lag.lag_of(connection, reader, PROJECTIONS)
    finally:
        reader.close()
