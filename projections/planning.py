"""What the planner is told for statements that look up a batch's keys."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

BY_KEY = """
set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true)
"""
"""Without statistics the planner reads a young table whole for `= ANY (…)`, and with the values at
hand it weighs each of thousands of keys. With these settings, which end with the transaction, it
looks each key up in the unique index, which is also right at any later size."""


def plan_by_key(connection: Connection[Any]) -> None:
    """For the rest of the transaction."""
    connection.execute(f"SELECT {BY_KEY}", prepare=True)
