"""Shadow tables: of the same names in a schema of their own, filled by the ordinary code.

All SQL of the projections finds its tables on the search_path, so a connection whose path begins
with the shadow's schema fills the shadow. What an operator has added to the live tables (columns,
indexes, grants, comments, storage options) is copied; what cannot be copied soundly is named
beforehand, and the rebuild refused.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.sql import Identifier

from projections import shadow_sql as sql
from projections.connections import DatabaseError

TABLES = {
    "table": ("generated_images", "image_relocations", "deleted_images"),
    "stats": (
        "statistics_requests",
        "statistics_sums",
        "statistics_members",
        "statistics_unsettled",
        "statistics_generation",
    ),
}
LATE_INDEXES = frozenset({"generated_images"})
"""Loaded without indexes, which are built when the load is done."""


KINDS = ("rebuild", "reconcile", "replay", "as_of")
"""What is built beside the live tables."""


class RebuildRefused(Exception):
    """The rebuild cannot be done as things are; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Shadow:
    """The schemas of one projection's rebuild, or of what else is built beside the live tables."""

    projection: str
    live: str
    kind: str = "rebuild"

    @property
    def schema(self) -> str:
        """Where the shadow tables are."""
        return f"omega_{self.kind}_{self.projection}"

    @property
    def previous(self) -> str:
        """Where the tables that were replaced last are kept."""
        return f"omega_previous_{self.projection}"

    @property
    def replaced(self) -> str:
        """Where a swap puts what was kept until then, to be dropped when it is done."""
        return f"omega_replaced_{self.projection}"

    @property
    def droppable(self) -> tuple[str, ...]:
        """The schemas that nobody needs who does not go on with the work."""
        return (self.schema, self.replaced) if self.kind == "rebuild" else (self.schema,)

    @property
    def builder(self) -> str:
        """The name of the lock that who builds it holds alone."""
        return f"builder/{self.schema}"

    @property
    def index_builders(self) -> str:
        """The name of the lock that sessions share which build its indexes."""
        return f"index-builders/{self.schema}"

    @property
    def search_path(self) -> str:
        """For connections that fill the shadow."""
        return f"{self.schema},{self.live}"

    @property
    def tables(self) -> tuple[str, ...]:
        """The projection's tables."""
        return TABLES[self.projection]

    @property
    def names(self) -> dict[str, Identifier]:
        """The schemas, to be put into statements."""
        return {
            "shadow": Identifier(self.schema),
            "live": Identifier(self.live),
            "previous": Identifier(self.previous),
            "replaced": Identifier(self.replaced),
        }


def shadow_of(connection: Connection[Any], projection: str, kind: str = "rebuild") -> Shadow:
    """The shadow of a projection whose live tables are in the connection's current schema."""
    row = connection.execute("SELECT current_schema()").fetchone()
    if row is None or row[0] is None:
        raise RebuildRefused("the search_path names no schema that exists: set it, then try again")
    return Shadow(projection, row[0], kind)


def hold_alone(connection: Connection[Any], projection: str, kind: str = "rebuild") -> None:
    """Be the projection's only rebuild of the kind for as long as the connection stands."""
    shadow = Shadow(projection, "", kind)
    if not connection.execute(sql.TRY_LOCK, (shadow.builder,)).fetchall()[0][0]:
        raise RebuildRefused(
            f"another rebuild of {projection} is running: wait until it is done, or stop it"
        )
    if not connection.execute(sql.NO_INDEX_BUILDERS, (shadow.index_builders,)).fetchall()[0][0]:
        raise RebuildRefused(
            f"the server still builds an index for a rebuild of {projection} that was killed: wait "
            "until it is done, or end its session, which pg_stat_activity shows"
        )


def let_go(connection: Connection[Any]) -> None:
    """Close the connection and, before, let go of what ``hold_alone`` holds.

    The server would do so only when it has noticed the end, and refuse the next one until then.
    """
    with suppress(DatabaseError):
        connection.execute(sql.UNLOCK_ALL)
    connection.close()


class Leftover(NamedTuple):
    """A shadow that nobody is working on."""

    projection: str
    kind: str
    bytes: int


def leftovers(connection: Connection[Any]) -> list[Leftover]:
    """Shadows whose builder has ended without finishing or removing them, or what it replaced."""
    found = []
    for projection in TABLES:
        for kind in KINDS:
            shadow = Shadow(projection, "", kind)
            (size,) = connection.execute(sql.SIZE, (list(shadow.droppable),)).fetchall()[0]
            if size is not None and not is_in_work(connection, shadow):
                found.append(Leftover(projection, kind, size))
    return found


def is_in_work(connection: Connection[Any], shadow: Shadow) -> bool:
    """Whether somebody builds it, or one of its indexes. Only looks, never locks."""
    names = [shadow.builder, shadow.index_builders]
    return bool(connection.execute(sql.IN_WORK, (names,)).fetchall()[0][0])


def check_dependents(connection: Connection[Any], shadow: Shadow) -> None:
    """Raises RebuildRefused, naming what hangs on the live tables and would not follow the swap."""
    parameters = {"schema": shadow.live, "tables": list(shadow.tables)}
    found = [row[0] for row in connection.execute(sql.DEPENDENTS, parameters)]
    if found:
        raise RebuildRefused(
            f"the live tables would be replaced under {'; '.join(found)}: "
            "drop that, rebuild, and make it again"
        )


def exists(connection: Connection[Any], schema: str) -> bool:
    """Whether there is such a schema."""
    return connection.execute(sql.SCHEMA_EXISTS, (schema,)).fetchone() is not None


def drop(connection: Connection[Any], shadow: Shadow) -> None:
    """Remove the shadow, where there is one, and what a swap replaced and did not come to drop."""
    for schema in shadow.droppable:
        drop_schema(connection, schema)


def drop_schema(connection: Connection[Any], schema: str) -> None:
    """Remove a schema and all that is in it, where there is one."""
    connection.execute(sql.DROP_SCHEMA.format(schema=Identifier(schema)))
