"""What is installed only where it is asked for."""

from __future__ import annotations


class ExtraMissing(Exception):
    """The packages of an extra are not installed; the message says how to install them."""

    def __init__(self, missing: ModuleNotFoundError, extra: str) -> None:
        super().__init__(f"{missing.name} is not installed: pip install 'omega-images[{extra}]'")
