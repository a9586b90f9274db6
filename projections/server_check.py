"""What of the database server's own state endangers the ledger."""

from __future__ import annotations

from typing import Any, NamedTuple

from psycopg import Connection

SETTINGS = """
SELECT name, setting FROM pg_settings
WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', 'default_transaction_read_only')
"""

CONNECTIONS = """
SELECT count(*), current_setting('max_connections')::int
FROM pg_stat_activity WHERE backend_type = 'client backend'
"""

PLACES = """
SELECT partition, topic_id, next_offset FROM projection_positions
WHERE projection = %s AND topic = %s ORDER BY partition
"""

WANTED = {
    "fsync": ("on", "a crash of the machine can damage the tables"),
    "full_page_writes": ("on", "a crash of the machine can damage the tables"),
    "default_transaction_read_only": ("off", "nothing can be written"),
}


class ServerFinding(NamedTuple):
    """Something that is not as it should be, and what to do."""

    detail: str
    mend: str


class Place(NamedTuple):
    """Where a projection stands in a partition, of which incarnation of the topic."""

    partition: int
    topic_id: str
    next_offset: int


def check_server(connection: Connection[Any]) -> list[ServerFinding]:
    """Settings under which rows can be lost, and connections that run out."""
    found = []
    for name, setting in connection.execute(SETTINGS):
        wanted, why = WANTED.get(name, (setting, ""))
        if setting != wanted:
            found.append(ServerFinding(f"{name} is {setting}: {why}", f"set {name} = {wanted}"))
        if name == "synchronous_commit" and setting == "off":
            why = "after a crash the last moments are missing (they are read from the log again)"
            found.append(ServerFinding(f"{name} is off: {why}", f"set {name} = on"))
    used, limit = connection.execute(CONNECTIONS).fetchall()[0]
    if used > limit * 0.8:
        detail = f"{used} of {limit} connections are in use"
        found.append(ServerFinding(detail, "raise max_connections, or end what is idle"))
    return found


def read_places(connection: Connection[Any], projection: str, topic: str) -> list[Place]:
    """Where the projection stands in each partition that was ever claimed."""
    return [Place(*row) for row in connection.execute(PLACES, (projection, topic))]
