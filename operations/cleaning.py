"""Carrying out a retention policy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from operations.retention_policy import Policy
from projections.connections import Connection
from projections.removals import count_open
from projections.retention import Condemned, Rule, condemn


def deletion_name(rule: str) -> str:
    """What ``deleted_by`` says of a rule."""
    return f"cleanup: {rule}"[:255]


def condemned(
    connection: Connection[Any],
    policy: Policy,
    now: datetime,
    *,
    dry_run: bool,
    limit: int | None = None,
) -> Mapping[str, Condemned]:
    """What each rule removes that those before it do not; planned, unless it is a dry run.

    One transaction, so that all rules judge the same table. ``limit`` is of images in all.
    """
    keep = [one.choice for one in policy.keep]
    found: dict[str, Condemned] = {}
    with connection.transaction(force_rollback=dry_run):
        for number, one in enumerate(policy.remove, 1):
            left = None if limit is None else limit - sum(c.images for c in found.values())
            rule = Rule(deletion_name(one.name), one.choice, one.bounds)
            name = one.name if one.name not in found else f"{one.name} ({number})"
            found[name] = condemn(connection, rule, keep, now, limit=left)
    return found


def unfinished(connection: Connection[Any]) -> int:
    """How many removals an earlier run has left, of this kind or an erasure's."""
    return count_open(connection)
