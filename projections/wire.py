"""Values as PostgreSQL's binary format has them, for COPY and as parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from struct import Struct
from typing import Any

import psycopg
from psycopg import Cursor
from psycopg._copy_base import format_row_binary
from psycopg.adapt import Dumper, Transformer
from psycopg.pq import Format
from psycopg.types.string import BytesBinaryDumper

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_TEXT_OID = 25
_INT8_OID = 20
_pack_array = Struct("!iIIii").pack
_pack_length = Struct("!i").pack
_NULL = _pack_length(-1)
_LENGTHS = [_pack_length(size) for size in range(512)]
"""Nearly all texts in arrays are short, and looking a length up is quicker than packing it."""
_pack_empty = Struct("!iII").pack


def wire_time(time: datetime) -> int:
    """A timestamptz: microseconds since 2000-01-01, an int8.

    Quick for times whose time zone is datetime.UTC itself, as it then need not be asked.
    """
    since = time - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def time_of_wire(microseconds: int) -> datetime:
    """The time that ``wire_time`` was made of, in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def text_array(values: Sequence[str | None]) -> bytes:
    """A text[] (array_send): dimensions, null flag, element type, size, lower bound, elements."""
    if not values:
        return _pack_empty(0, 0, _TEXT_OID)
    head = _pack_array(1, None in values, _TEXT_OID, len(values), 1)
    try:
        encoded = list(map(str.encode, values))  # type: ignore[arg-type]  # None is looked for
        lengths = [_LENGTHS[size] for size in map(len, encoded)]
    except (TypeError, IndexError):
        return head + b"".join(map(_element, values))
    return head + b"".join(chain.from_iterable(zip(lengths, encoded, strict=True)))


def _element(value: str | None) -> bytes:
    if value is None:
        return _NULL
    encoded = value.encode()
    return _pack_length(len(encoded)) + encoded


def int8_array(values: Sequence[int]) -> bytes:
    """An int8[], as text_array."""
    if not values:
        return _pack_empty(0, 0, _INT8_OID)
    sized = chain.from_iterable(zip(repeat(8), values, strict=False))
    elements = Struct("!" + "iq" * len(values)).pack(*sized)
    return _pack_array(1, 0, _INT8_OID, len(values), 1) + elements


class TextArray:
    """A text[] parameter, made once for all statements that take it, and twice as fast as by
    psycopg, which asks each element for its type. For placeholders in binary format (%b).
    """

    __slots__ = ("data",)

    def __init__(self, values: Sequence[str | None]) -> None:
        self.data = text_array(values)


class Int8Array:
    """A bigint[] parameter; as TextArray."""

    __slots__ = ("data",)

    def __init__(self, values: Sequence[int]) -> None:
        self.data = int8_array(values)


class _TextArrayDumper(Dumper):
    format, oid = Format.BINARY, 1009

    def dump(self, obj: TextArray) -> bytes:
        return obj.data


class _Int8ArrayDumper(_TextArrayDumper):
    oid = 1016


# Bytes in a COPY are dumped by the last that was registered for bytea, and in C only by this one.
psycopg.adapters.register_dumper(bytes, BytesBinaryDumper)
psycopg.adapters.register_dumper(TextArray, _TextArrayDumper)
psycopg.adapters.register_dumper(Int8Array, _Int8ArrayDumper)


class CopyRows:
    """Makes rows for binary COPY of values, before there is a COPY to write them to.

    psycopg has no public name for this, which is what Copy.write_row does. Any thread may use it.
    """

    def __init__(self, types: Sequence[str]) -> None:
        self._transformer = Transformer()
        oids = [psycopg.adapters.types[name].oid for name in types]
        self._transformer.set_dumper_types(oids, Format.BINARY)

    def of(self, values: Sequence[Any]) -> bytes:
        """A row of these values, in the order of the types."""
        row = bytearray()
        format_row_binary(values, self._transformer, row)
        return bytes(row)

    def add(self, values: Sequence[Any], rows: bytearray) -> None:
        """Append a row to others: twice as fast. When it cannot be made, they are as they were.

        Raises ValueError, OverflowError.
        """
        format_row_binary(values, self._transformer, rows)


_COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_TAIL = b"\xff\xff"
_ROWS_AT_ONCE = 150
"""About as many bytes as psycopg passes on without cutting them up again."""


def copy_rows(
    cursor: Cursor[Any],
    statement: str,
    rows: Sequence[bytes | bytearray],
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    """COPY rows that CopyRows has made; ``statement`` asks for binary format.

    ``meanwhile`` is called when all are sent, and the server is busy with them.
    """
    with cursor.copy(statement) as copy:
        copy.write(_COPY_HEAD)
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            copy.write(b"".join(rows[start : start + _ROWS_AT_ONCE]))
        copy.write(_COPY_TAIL)
        meanwhile()


class TextArrays:
    """Remembers text_array: tags are few and come again."""

    MOST = 5_000
    LONGEST = 8
    """Of longer ones nobody expects that they come again."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], bytes] = {}

    def of(self, values: Sequence[str]) -> bytes:
        """As text_array."""
        key = tuple(values)
        found = self._known.get(key)
        if found is not None:
            return found
        found = text_array(key)
        if len(key) <= self.LONGEST:
            if len(self._known) >= self.MOST:
                self._known.clear()
            self._known[key] = found
        return found
