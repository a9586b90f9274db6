"""The tools over a topic in memory, a spool's file and a folder of images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from producers.spool import Spool
from producers.spooling_publisher import SpoolingPublisher, SpoolingSettings
from producers.storage import LocalStorage
from producers.storage.checked import CheckedStorage
from producers.tools import TOOLS, Generator, Tool, Tools
from producers.tools.errors import ImageNotFound
from producers.tools.generators.offline import OfflineGenerator
from producers.tracking import Tracker
from schemas.codec import decode
from schemas.events import ImageFailed, ImageGenerated
from tests.support.memory_publisher import MemoryPublisher
from tests.support.memory_topic import MemoryTopic
from tests.support.waiting import eventually

BASE = "http://localhost/uploads"


class ToolsWorld:
    """``told`` is what stands in the log."""

    def __init__(self, folder: Path) -> None:
        self.topic = MemoryTopic()
        self.storage = LocalStorage(folder / "images", BASE)
        self._publisher = SpoolingPublisher(
            Spool(folder / "spool.db"), MemoryPublisher(self.topic), SpoolingSettings(deadline_s=2)
        )
        self.tracker = Tracker(self._publisher, CheckedStorage(self.storage))
        self.tools = self.with_generator(OfflineGenerator())

    def with_generator(self, generator: Generator, tools: Mapping[str, Tool] = TOOLS) -> Tools:
        return Tools(self.tracker, generator, self, tools)

    def read(self, request_id: str) -> bytes:
        """ImageSource: of what was told."""
        for data in self.told():
            if data.request_id == request_id and isinstance(data, ImageGenerated):
                return self.bytes_of(data)
        raise ImageNotFound(f"image {request_id}: there is none")

    def bytes_of(self, data: ImageGenerated) -> bytes:
        name = self.storage.filename_of(data.storage_url)
        assert name is not None
        return self.storage.read(name)

    def told(self) -> list[ImageGenerated | ImageFailed]:
        eventually(lambda: self._publisher.spool.status().waiting == 0)
        records = [record for part in self.topic.partitions for record in part.records]
        found: list[Any] = [decode(record.value).data for record in records]
        return sorted(found, key=lambda data: data.request_id)

    def the_failure(self) -> ImageFailed:
        (data,) = self.told()
        assert isinstance(data, ImageFailed)
        return data

    def close(self) -> None:
        self.tracker.close()
        self._publisher.close(1)
