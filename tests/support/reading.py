"""A site with a real database over a topic in memory, and what brings the one up to the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from consumers.bulk_load import replay
from consumers.processor import Processor
from projections.connections import connector
from projections.image_table import TableProjection
from projections.positions import ProjectionKey
from projections.projection import Projection
from projections.statistics import StatisticsProjection
from schemas.codec import encode, key_of
from schemas.events import Event
from schemas.record import Position
from tests.support.memory_log import MemoryLogReader
from tests.support.memory_topic import MemoryTopic
from tests.support.web import client_of, open_site
from web.site import Site

PROJECTIONS: dict[str, type[Projection]] = {
    "table": TableProjection,
    "stats": StatisticsProjection,
}


class ReadingWorld:
    """A topic, its tables, and clients that ask for them."""

    def __init__(self, site: Site, topic: MemoryTopic, database_url: str) -> None:
        self.site, self.topic = site, topic
        self._connect = connector(database_url, "test-worker")
        self.client = client_of(site, as_="reader")
        self.boss = client_of(site, as_="boss")
        self.stranger: TestClient = client_of(site)

    def send(self, *events: Event) -> Position:
        """Write the events to the topic; the last one's place."""
        places = [self.topic.append(key_of(event), encode(event)) for event in events]
        return places[-1]

    def project(self, *names: str) -> None:
        """Bring the projections to the log's end."""
        for name in names or PROJECTIONS:
            key = ProjectionKey(name, self.topic.name, self.topic.topic_id)
            processor = Processor(PROJECTIONS[name](), key, self._connect, f"test-{name}")
            replay(MemoryLogReader(self.topic), processor, self.topic.state().end)

    def get(self, path: str, expected: int = 200, /, **query: Any) -> Any:
        """The JSON of an answer with this status."""
        answer = self.client.get(path, params=query)
        assert answer.status_code == expected, answer.text
        return answer.json()


@contextmanager
def reading_world(folder: Path, database_url: str) -> Iterator[ReadingWorld]:
    """An empty one."""
    topic = MemoryTopic("events", 6)
    reads: dict[str, Any] = {"reader": lambda: MemoryLogReader(topic), "topic_state": topic.state}
    with open_site(folder, database_url=database_url, **reads) as site:
        yield ReadingWorld(site, topic, database_url)
