"""Counting what is stored, where, and how long it takes."""

from __future__ import annotations

import time

from producers.metrics import ProducerMetrics
from producers.storage.storage import Storage, StorageError, Stored
from producers.storage.wrapped import WrappedStorage


class MeteredStorage(WrappedStorage):
    """Storage whose ``put`` is counted."""

    def __init__(self, storage: Storage, metrics: ProducerMetrics) -> None:
        super().__init__(storage)
        self._metrics = metrics

    def put(self, data: bytes, filename: str, mime_type: str) -> Stored:
        began = time.perf_counter()
        try:
            stored = self._storage.put(data, filename, mime_type)
        except StorageError as exc:
            self._metrics.store_failures.labels(self.provider, type(exc).__name__).inc()
            raise
        self._metrics.store_seconds.labels(stored.provider).observe(time.perf_counter() - began)
        self._metrics.stored_bytes.labels(stored.provider).inc(len(data))
        if stored.provider != self.provider:
            self._metrics.fallbacks.labels(self.provider, stored.provider).inc()
        return stored
