"""What can go wrong with the embedded stack, said in one line."""

from __future__ import annotations


class StackError(Exception):
    """The embedded stack cannot do it; the message says what, why and what to do."""
