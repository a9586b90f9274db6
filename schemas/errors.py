"""What is wrong with a value that is no event."""

from __future__ import annotations


class InvalidEvent(ValueError):
    """A value is not one of the events; ``error_class`` is a stable short name, ``message`` a line.

    The message names field, limit and the value's size, and never carries the value itself.
    """

    def __init__(self, error_class: str, message: str) -> None:
        super().__init__(message)
        self.error_class = error_class
        self.message = message
