"""What a tracked function returns, and what its callers get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from producers.tracked import TrackedImage


class Picture(NamedTuple):
    """An image that a decorated function returns, where bytes alone do not say enough."""

    data: bytes
    mime_type: str | None = None
    fields: Mapping[str, Any] = {}
    """Laid over the call's: model, size, metadata, …"""


Pictures = bytes | Picture | Sequence[bytes | Picture]


class Tracked(NamedTuple):
    """What a decorated function returns to its caller."""

    request_id: str
    images: tuple[TrackedImage, ...]


def pictures_of(result: Any) -> list[Picture]:
    """What the function returned, as a list. Raises TypeError for what is no image."""
    if result is None:
        return []
    several = [result] if isinstance(result, bytes | Picture) else list(result)
    found = [Picture(one) if isinstance(one, bytes) else one for one in several]
    for one in found:
        if not isinstance(one, Picture):
            raise TypeError(
                f"a tracked function returns bytes or Picture, not {type(one).__name__}"
            )
    return found
