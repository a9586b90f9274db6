"""What is installed only where it is asked for."""

from __future__ import annotations


class ExtraMissing(Exception):
    """The packages of an extra are not installed; the message says how to install them."""
