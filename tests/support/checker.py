"""The judge: what a topic's records come to, folded in a few plain lines of its own.

Nothing here uses merge, lift or the codec, so that a fault in them cannot hide. A record that
was meant as poison carries the header ``x-poison``.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from schemas.record import Record

REQUEST_FIELDS = ("user_id", "username", "tool_name", "prompt", "model", "size", "quality", "style")
STORAGE_FIELDS = ("storage_url", "storage_provider", "mime_type", "bytes", "sha256")
Row = dict[str, Any]
Key = tuple[datetime, str]


def expected_rows(records: Iterable[Record]) -> dict[str, Row]:
    """The rows of generated_images, by request id."""
    history: dict[str, list[tuple[Key, int, dict[str, Any]]]] = defaultdict(list)
    for record in records:
        if is_poison(record):
            continue
        event = json.loads(record.value or b"")
        time = datetime.fromisoformat(event["time"]).astimezone(UTC)
        place = event["data"].get("row_id") or 2**32 + record.offset * 1024 + record.partition
        history[event["data"]["request_id"]].append(((time, event["id"]), place, event))
    rows = {key: _row_of(key, events) for key, events in history.items()}
    return {key: row for key, row in rows.items() if row is not None}


def is_poison(record: Record) -> bool:
    """Whether the record was sent to be set aside."""
    return any(name == "x-poison" for name, _ in record.headers)


def expected_poison(records: Iterable[Record]) -> list[tuple[int, int]]:
    """The places of the records that must be dead letters."""
    return sorted((r.partition, r.offset) for r in records if is_poison(r))


def _row_of(request_id: str, events: list[tuple[Key, int, dict[str, Any]]]) -> Row | None:
    by_type: dict[str, list[tuple[Key, dict[str, Any]]]] = defaultdict(list)
    for key, _, event in events:
        by_type[event["type"]].append((key, event["data"]))
    if by_type["ImageDeleted"]:
        return None
    if by_type["ImageGenerated"]:
        (time, event_id), data = min(by_type["ImageGenerated"], key=lambda item: item[0])
        data = {**data, "error": None, "status": "success"}
        if by_type["ImageMoved"]:
            move = max(by_type["ImageMoved"], key=lambda item: item[0])[1]
            data |= {name: move[name] for name in STORAGE_FIELDS if move.get(name) is not None}
    elif by_type["ImageFailed"]:
        (time, event_id), data = max(by_type["ImageFailed"], key=lambda item: item[0])
        data = {**data, **dict.fromkeys(STORAGE_FIELDS), "storage_url": "", "status": "failed"}
        if data.get("error_code") is not None:
            data["metadata"] = {**(data.get("metadata") or {}), "error_code": data["error_code"]}
    else:
        return None
    row = {name: data.get(name) for name in (*REQUEST_FIELDS, *STORAGE_FIELDS, "status", "error")}
    row |= {"id": min(place for _, place, _ in events), "request_id": request_id}
    row |= {"n": data.get("n", 1), "tags": data.get("tags"), "metadata": data.get("metadata")}
    row |= {"message_id": data.get("message_id"), "created_at": time, "event_id": event_id}
    return row


def actual_rows(connection: Connection[Any]) -> dict[str, Row]:
    """The rows of generated_images, by request id."""
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute("SELECT * FROM generated_images")
        return {row["request_id"]: row for row in cursor}


def actual_poison(connection: Connection[Any], projection: str) -> list[tuple[int, int]]:
    """The places of this projection's dead letters."""
    query = 'SELECT partition, "offset" FROM dead_letters WHERE projection = %s ORDER BY 1, 2'
    return connection.execute(query, (projection,)).fetchall()


def differences(expected: dict[str, Row], actual: dict[str, Row], limit: int = 5) -> list[str]:
    """What is missing, too many, or not the same; a few of each, one line each."""
    lines = [f"missing: {key}" for key in list(expected.keys() - actual.keys())[:limit]]
    lines += [f"too many: {key}" for key in list(actual.keys() - expected.keys())[:limit]]
    for key in expected.keys() & actual.keys():
        if expected[key] != actual[key] and len(lines) < 3 * limit:
            wrong = [c for c in expected[key] if expected[key][c] != actual[key].get(c)]
            lines.append(
                f"differs: {key}: "
                + ", ".join(f"{c}={actual[key].get(c)!r} not {expected[key][c]!r}" for c in wrong)
            )
    return lines


def five_numbers(rows: Iterable[Row]) -> dict[str, Any]:
    """The document's stats query over these rows."""
    rows = list(rows)
    sizes = [row["bytes"] for row in rows if row["bytes"] is not None]
    good = sum(row["status"] == "success" for row in rows)
    return {
        "total_images": len(rows),
        "unique_users": len({row["user_id"] for row in rows}),
        "successful": good,
        "failed": len(rows) - good,
        "avg_file_size": average(sum(sizes), len(sizes)) if sizes else None,
    }


def average(total: int, count: int) -> Decimal:
    """The quotient with as many digits as PostgreSQL's numeric division gives it.

    At least 16 significant ones, by groups of four (select_div_scale in its numeric.c).
    """
    weight = _groups(total)[0] - _groups(count)[0]
    if _groups(total)[1] <= _groups(count)[1]:
        weight -= 1
    scale = max(16 - weight * 4, 0)
    with localcontext(prec=100):
        return (Decimal(total) / count).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)


def _groups(number: int) -> tuple[int, int]:
    """Of a number in base 10,000: the weight of its first digit, and that digit."""
    weight = 0
    while number >= 10_000:
        number //= 10_000
        weight += 1
    return weight, number
