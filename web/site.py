"""What operations hands to the web: everything that a route needs, in one object."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from fastapi import Request
from psycopg_pool import ConnectionPool

from consumers.log import LogReader, TopicState
from producers.publisher import PublishError, Receipt, ReceiptPublisher
from producers.spool_errors import SpoolError
from producers.storage import LocalStorage, Storage
from projections.connections import Connection
from projections.retention import Condemned
from schemas.compact import CompactEvent
from web.limits import RateLimits, WebLimits
from web.metrics import WebMetrics
from web.sessions import Sessions
from web.tokens import TokenTable, token_table


class BulkPublisher(ReceiptPublisher, Protocol):
    """As ReceiptPublisher, for many events at once."""

    def publish_all(
        self, events: Sequence[CompactEvent]
    ) -> list[Receipt | PublishError | SpoolError]:
        """What became of each, in their order. All are waited for together."""
        ...


@dataclass(frozen=True, slots=True)
class Site:
    """The parts of one web server."""

    topic: str
    pool: ConnectionPool[Connection[Any]]
    """Connections in autocommit mode, for reading; a thread has one for a short while only."""
    connect: Callable[[], Connection[Any]]
    """A connection of one's own: to listen, to redrive. Close it."""
    reader: Callable[[], LogReader]
    """Reads the topic. Close it."""
    topic_state: Callable[[], TopicState]
    publisher: BulkPublisher
    uploads: LocalStorage
    """The folder that ``/uploads`` serves."""
    stores: Sequence[Storage] = ()
    """Where images may lie; thumbnails are made of nothing else."""
    cache: Path = Path(".omega/cache")
    """A folder for what can be made again."""
    tokens: TokenTable = field(default_factory=lambda: token_table(()))
    open_reading: bool = False
    """Whether everybody has the role ``read``."""
    open_uploads: bool = False
    """Whether whoever knows an image's URL under ``/uploads`` may load it."""
    hosts: frozenset[str] = frozenset({"localhost", "127.0.0.1", "[::1]"})
    """The names, without port, by which this server is asked for."""
    https: bool = False
    """Whether browsers reach it by https."""
    limits: WebLimits = field(default_factory=WebLimits)
    sessions: Sessions = field(default_factory=Sessions)
    metrics: WebMetrics = field(default_factory=WebMetrics)
    would_free: Callable[[], Mapping[str, Condemned]] | None = None
    """What each rule of the retention policy would remove now; None: there is no policy."""
    rates: RateLimits = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rates", RateLimits(self.limits))


def site_of(request: Request) -> Site:
    """The site of the app that answers this request."""
    site: Site = request.app.state.site
    return site
