"""Where tools find images that were made earlier."""

from __future__ import annotations

from typing import Protocol

from producers.tools.errors import ImageNotFound


class ImageSource(Protocol):
    """Earlier images. All threads may use it."""

    def read(self, request_id: str) -> bytes:
        """The bytes of a request's image. Raises ImageNotFound, StorageUnavailable."""
        ...


class NoImages:
    """For tools that are run where there are no earlier images."""

    def read(self, request_id: str) -> bytes:
        """Raises ImageNotFound."""
        raise ImageNotFound(f"image {request_id}: no earlier images can be read here")
