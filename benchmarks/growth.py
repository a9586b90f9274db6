"""What an event costs, and what a reader waits for, when the tables are small and when large."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from psycopg import Connection

from benchmarks.dataset import Dataset, make
from benchmarks.drain import paced
from benchmarks.events import CLEAN, Mix
from benchmarks.filling import fill
from benchmarks.options import PAGES, Options
from benchmarks.place import Place
from benchmarks.report import Measurement, Series, Target
from projections.contents import digest_of_images
from projections.image_search import Place as Where
from projections.image_search import encode_cursor, list_page
from projections.images import DEFAULT_LIMIT, stats_query
from projections.statistics_reads import Dimension, read_breakdown, read_numbers

IDS = {"ids in order": CLEAN, "ids in no order": Mix(scattered=True)}
"""The program's own request ids are UUIDs of version 7, in order; a tool may bring others."""

# The rows that came from the topic, under the table's own name, which is looked for here first.
ONLY_NEW = """
CREATE TEMPORARY VIEW generated_images AS
SELECT * FROM public.generated_images WHERE request_id LIKE '%bench-%'
"""
DAYS = """
SELECT (created_at AT TIME ZONE 'UTC')::date::text, count(*), count(DISTINCT user_id)
FROM generated_images GROUP BY 1
"""
PLACE = "SELECT created_at, id FROM generated_images ORDER BY created_at DESC, id DESC OFFSET %s"


def run(place: Place, options: Options) -> Iterator[Measurement]:
    """The same events, drained by each projection into a small and a large table."""
    data = {
        name: make(place, f"grown_{number}", options.small, mix)
        for number, (name, mix) in enumerate(IDS.items())
    }
    filled = {size: fill(place, f"filled_{size}", size) for size in (options.small, options.large)}
    series = Series("growth")
    for _ in range(options.repetitions):
        for ids, events in data.items():
            for size, name in filled.items():
                with place.copy(name, events.topic) as here:
                    _drain(here, events, f"{ids}, at {size:,} rows", series)
                    _check(here, events, size)
                    _read(here, size, series, options)
    for projection in ("table", "stats"):
        for ids in data:
            small, large = (f"{ids}, at {size:,} rows" for size in filled)
            told = f"{projection}, {large}", f"{projection}, {small}"
            yield series.told(told[0], "µs an event", told[1])
            yield series.told(f"{told[0]}, WAL", "bytes an event", f"{told[1]}, WAL")
    for size in filled:
        rows = f"{size:,} rows"
        far = f"page {_last_page(size):,} at {rows}"
        yield series.told(far, "ms", f"newest page at {rows}", Target(1.2, "ratio"))
        count = f"the document's stats query at {rows}"
        yield series.told(f"statistics at {rows}", "ms", count, Target(5))


def _drain(here: Place, data: Dataset, kind: str, series: Series) -> None:
    for projection in ("table", "stats"):
        with here.connect() as connection:
            before = _wal(connection)
            rate = paced(here, data, (projection,))[projection]
            written = _wal(connection) - before
        series.add(f"{projection}, {kind}", 1e6 / rate)
        series.add(f"{projection}, {kind}, WAL", written / data.records)


def _wal(connection: Connection[Any]) -> int:
    query = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"
    return int(connection.execute(query).fetchall()[0][0])


def _check(here: Place, data: Dataset, size: int) -> None:
    """The new rows are what the judge said, and the statistics are those of the whole table."""
    with here.connect() as connection:
        _check_statistics(connection, size + data.rows)
        connection.execute(ONLY_NEW)
        assert digest_of_images(connection) == data.digest, "the table is wrong"


def _check_statistics(connection: Connection[Any], rows: int) -> None:
    told = read_numbers(connection)
    assert told._asdict() == stats_query(connection), "the statistics are wrong"
    assert told.total_images == rows, "rows are missing, or too many"
    days = {
        entry.value: (entry.numbers.total_images, entry.numbers.unique_users)
        for entry in read_breakdown(connection, Dimension.DAY)
    }
    counted = connection.execute(DAYS).fetchall()
    assert days == {day: (total, users) for day, total, users in counted}, "a day is wrong"


def _read(here: Place, size: int, series: Series, options: Options) -> None:
    with here.connect() as connection:
        connection.execute("ANALYZE")
        skipped = (_last_page(size) - 1) * DEFAULT_LIMIT - 1
        at = Where(*connection.execute(PLACE + " LIMIT 1", (skipped,)).fetchall()[0])
        queries: dict[str, Callable[[], Any]] = {
            "newest page": lambda: list_page(connection),
            f"page {_last_page(size):,}": lambda: list_page(connection, cursor=encode_cursor(at)),
            "statistics": lambda: read_numbers(connection),
        }
        found: dict[str, list[float]] = {name: [] for name in queries}
        for _ in range(options.probes):
            for name, query in queries.items():
                found[name].append(_took(query))
        for name, took in found.items():
            series.add(f"{name} at {size:,} rows", statistics.median(took) * 1000)
        counted = _took(lambda: stats_query(connection))
        series.add(f"the document's stats query at {size:,} rows", counted * 1000)


def _last_page(size: int) -> int:
    """The page by cursor that is timed: 10,000, where there are so many."""
    return min(PAGES, size // DEFAULT_LIMIT)


def _took(query: Callable[[], Any]) -> float:
    began = time.perf_counter()
    query()
    return time.perf_counter() - began
