"""Many records handed to kafka-python at once, at half of what its ``send`` costs for each.

``send`` asks anew for every record how many partitions there are, formats a line for a log that
nobody writes, and checks what is certain here. This goes to the accumulator behind it, which has
no public name; the future that it gives for a record is the one that ``send`` returns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.partitioning import home_partition


class Appender:
    """Appends records to a topic of these partitions, as kafka-python names them."""

    def __init__(
        self, producer: Any, partitions: Sequence[Any], headers: list[tuple[str, bytes]]
    ) -> None:
        self._append_to = producer._accumulator.append
        self._wake_sender = producer._sender.wakeup
        self._partitions = partitions
        self._headers = headers

    def append(self, key: bytes, value: bytes) -> Any:
        """The future of the record, which waits to be sent. Raises what ``send`` raises."""
        partition = self._partitions[home_partition(key, len(self._partitions))]
        future, full, new, _ = self._append_to(partition, None, key, value, self._headers)
        if full or new:
            self._wake_sender()
        return future
