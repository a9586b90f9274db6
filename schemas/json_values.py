"""What must not stand anywhere in an event's JSON, because Postgres or JSON cannot hold it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from schemas.errors import InvalidEvent

MAX_METADATA_BYTES = 262_144
MAX_METADATA_DEPTH = 64
MAX_DIGITS = 1_000
"""Of an integer in metadata. Postgres' numeric holds 131,072, but Python alone refuses 4,301."""

_TOO_LONG = 10**MAX_DIGITS
_INFINITY = float("inf")
_surrogate = re.compile("[\ud800-\udfff]").search

Path = tuple[str | int, ...]


class Fault(NamedTuple):
    """What is wrong with a JSON value, and where in it."""

    error_class: str
    path: Path
    reason: str


def is_storable(items: Iterable[Any], max_depth: int = MAX_METADATA_DEPTH) -> bool:
    """Whether all numbers of parsed JSON are finite and short, and nothing is nested too deeply.

    ``items`` are the members of an object or array, which is the first level. This is the quick
    judge: it knows nothing of NUL and surrogates, and says no to what is not of JSON's types.
    """
    for item in items:
        kind = type(item)
        if kind is str or kind is bool or item is None:
            continue
        if kind is int:
            if not -_TOO_LONG < item < _TOO_LONG:
                return False
        elif kind is float:
            if not -_INFINITY < item < _INFINITY:
                return False
        elif kind is dict or kind is list:
            inner = item.values() if kind is dict else item
            if max_depth <= 1 or not is_storable(inner, max_depth - 1):
                return False
        else:
            return False
    return True


def first_fault(value: Any, max_depth: int = MAX_METADATA_DEPTH) -> Fault | None:
    """The first leaf or key, in document order, that cannot be stored; None when all can.

    ``max_depth`` counts objects and arrays, ``value`` itself included; what stands around
    metadata makes it more than metadata's own limit. Python's tuples pass for arrays; whatever
    else is not of JSON's types is a fault, too.
    """
    # A stack of one's own: a hostile document must not reach the interpreter's recursion limit.
    todo: list[tuple[Path, Any]] = [((), value)]
    while todo:
        path, item = todo.pop()
        inner: list[tuple[Path, Any]]
        if isinstance(item, dict):
            for key in item:
                if reason := _fault_of_leaf(key if isinstance(key, str) else object()):
                    return Fault(reason[0], path, f"a key {reason[1]}")
            inner = [((*path, key), each) for key, each in item.items()]
        elif isinstance(item, list | tuple):
            inner = [((*path, index), each) for index, each in enumerate(item)]
        elif reason := _fault_of_leaf(item):
            return Fault(reason[0], path, reason[1])
        else:
            continue
        if len(path) >= max_depth:
            around = path[: max_depth - MAX_METADATA_DEPTH]
            return Fault("TooDeep", around, f"nested over {MAX_METADATA_DEPTH} levels deep")
        todo += reversed(inner)
    return None


def _fault_of_leaf(value: object) -> tuple[str, str] | None:
    """The error's class and the reason."""
    if isinstance(value, str):
        if "\0" in value:
            return "NulCharacter", "contains NUL (U+0000)"
        if not value.isascii() and _surrogate(value):
            return "LoneSurrogate", "contains a lone surrogate"
    elif isinstance(value, float):
        if not -_INFINITY < value < _INFINITY:
            return "NotFinite", "is NaN, Infinity or an overflowing number"
    elif isinstance(value, int):
        if not -_TOO_LONG < value < _TOO_LONG:
            return "OutOfRange", f"is an integer of over {MAX_DIGITS} digits"
    elif value is not None:
        return "NotJson", f"is a Python {type(value).__name__[:60]}, which JSON does not have"
    return None


def as_invalid(fault: Fault) -> InvalidEvent:
    """The fault as the error that decoding raises."""
    return InvalidEvent(fault.error_class, f"{dotted(fault.path) or 'value'}: {fault.reason}")


def dotted(path: Path) -> str:
    """``data.metadata.names.0``; a long or strange key is shortened and escaped."""
    parts = (str(part) if isinstance(part, int) else excerpt(part) for part in path[:12])
    return ".".join(parts) + (".." if len(path) > 12 else "")


def excerpt(value: object, limit: int = 40) -> str:
    """The beginning of a value, in printable ASCII."""
    try:
        text = value if isinstance(value, str) else str(value)
    except ValueError:
        return "a very long number"
    return ascii(text[:limit])[1:-1][:limit] + ("..." if len(text) > limit else "")
