"""How patiently is fetched, as a test wants it."""

from __future__ import annotations

from consumers.fetch_pace import FetchPace


class Commanded(FetchPace):
    """Whatever arrives, brokers may wait for so long, in seconds."""

    def __init__(self, wait_s: float = 0.0) -> None:
        super().__init__()
        self.wait_s = wait_s

    def arrived(self, records: int) -> float:  # noqa: ARG002  as the base
        return self.wait_s
