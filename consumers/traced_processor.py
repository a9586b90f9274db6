"""A processor whose work is told to a tracer: one span for each event that belongs to a trace."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence

from consumers.processor import Batch, Processed
from consumers.writer import BatchProcessor
from projections.projection import Decoded, Prepared
from schemas.tracing import Tracer


class TracedProcessor:
    """Does as the processor; the spans are those of the batch's transaction."""

    def __init__(self, processor: BatchProcessor, tracer: Tracer, projection: str) -> None:
        self._processor = processor
        self._tracer = tracer
        self._projection = projection

    def claim(self, partitions: Collection[int]) -> Mapping[int, int]:
        """See Processor."""
        return self._processor.claim(partitions)

    def forget(self, partitions: Collection[int]) -> None:
        """See Processor."""
        self._processor.forget(partitions)

    def prepare(self, decoded: Sequence[Decoded]) -> Prepared | None:
        """See Processor."""
        return self._processor.prepare(decoded)

    def process(self, batch: Batch) -> Processed:
        """See Processor."""
        began = time.time_ns()
        processed = self._processor.process(batch)
        ended = time.time_ns()
        for decoded in batch.decoded:
            record, event = decoded.record, decoded.event
            if event.traceparent is not None:
                attributes: dict[str, str | int] = {
                    "omega.projection": self._projection,
                    "omega.request_id": event.data.request_id,
                    "messaging.destination.partition.id": str(record.partition),
                    "messaging.kafka.offset": record.offset,
                }
                name = f"project {self._projection}"
                self._tracer.record(name, event.traceparent, began, ended, attributes)
        return processed

    def close(self) -> None:
        """See Processor."""
        self._processor.close()
