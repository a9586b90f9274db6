"""A catalogue of records that are no events, each with the error class that it must be given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, NamedTuple


class Malformed(NamedTuple):
    """A record's key and value, and what is wrong with it."""

    name: str
    value: bytes | None
    error_class: str
    key: bytes | None = b"poison"


class Raw(str):
    """JSON text to be put in as it is."""

    __slots__ = ()


_REQUEST = {
    "request_id": "req-1",
    "user_id": "123",
    "tool_name": "generateUserImage",
    "prompt": "A quiet harbour",
}
_STORAGE = {"storage_url": "https://h.test/x.png", "storage_provider": "github"}
_DATA: dict[str, dict[str, Any]] = {
    "ImageGenerated": {**_REQUEST, **_STORAGE},
    "ImageFailed": {**_REQUEST, "error": "503"},
    "ImageMoved": {"request_id": "req-1", **_STORAGE},
    "ImageDeleted": {"request_id": "req-1", "reason": "user"},
}
ABSENT = object()


def document(kind: str = "ImageGenerated", /, **changes: Any) -> bytes:
    """A good event as JSON, with changes: ``time=…`` in the envelope, ``data_n=…`` in data.

    ABSENT takes a field out; a Raw goes in as it is, quoted or not.
    """
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": "019ab0e2-7c00-7000-8000-000000000000",
        "source": "/tools/generateUserImage",
        "type": kind,
        "time": "2026-11-23T00:00:00.000000Z",
        "datacontenttype": "application/json",
        "dataschema": f"urn:omega-images:{kind}:1",
        "data": deepcopy(_DATA[kind]),
    }
    raws: dict[str, str] = {}
    for name, value in changes.items():
        inner = name.startswith("data_") and name != "data_base64"
        target, field = (event["data"], name[5:]) if inner else (event, name)
        if value is ABSENT:
            del target[field]
        elif isinstance(value, Raw):
            target[field] = mark = f"<raw {len(raws)}>"
            raws[f'"{mark}"'] = value
        else:
            target[field] = value
    text = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
    for mark, raw in raws.items():
        text = text.replace(mark, raw)
    return text.encode("utf-8", "surrogatepass")


def malformed_values(*, huge: bool = True) -> Iterator[Malformed]:
    """All of them; without those of over 100 kB when not ``huge``."""
    yield from _not_json()
    yield from _not_cloud_events()
    yield from _missing()
    yield from _too_long()
    yield from _wrong_types()
    yield from _unstorable()
    yield from _out_of_range()
    yield from _odd_fields()
    yield Malformed("no key", document(), "NoKey", key=None)
    yield Malformed("empty key", document(), "NoKey", key=b"")
    if huge:
        yield from _huge()


def malformed_data() -> Iterator[tuple[str, str, dict[str, Any], str]]:
    """Name, type, data and error class of those whose fault is in data; the data in Python."""
    for bad in malformed_values(huge=False):
        try:
            event = json.loads((bad.value or b"").decode("utf-8", "surrogatepass"))
            data, good = event.pop("data"), json.loads(document(event["type"]))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            continue
        del good["data"]
        if event == good and isinstance(data, dict) and bad.key:
            # JSON has no NaN; for Python it is but a number that is no integer.
            number = isinstance(data.get("n"), float)
            yield bad.name, event["type"], data, "WrongType" if number else bad.error_class


def _not_json() -> Iterator[Malformed]:
    good = document()
    yield Malformed("no value", None, "EmptyValue")
    yield Malformed("empty value", b"", "EmptyValue")
    for name, value in {
        "blank": b" \n",
        "words": b"not json at all {",
        "cut off": good[:-9],
        "trailing garbage": good + b" x",
        "two documents": good + good,
        "single quotes": good.replace(b'"', b"'"),
        "trailing comma": good[:-1] + b",}",
        "comment": b"/* */" + good,
        "byte order mark": b"\xef\xbb\xbf" + good,
        "utf-16": good.decode().encode("utf-16"),
        "latin-1": document(data_prompt="größe").decode().encode("latin-1"),
        "overlong utf-8": good.replace(b"harbour", b"\xc0\x80"),
        "raw control character": good.replace(b"harbour", b"\x01"),
        "raw NUL": good.replace(b"harbour", b"\x00"),
        "pickle": b"\x80\x04\x95\x10\x00",
        "leading zero": document(data_n=Raw("01")),
        "plus sign": document(data_n=Raw("+1")),
    }.items():
        yield Malformed(name, value, "NotJson")


def _not_cloud_events() -> Iterator[Malformed]:
    for value in (b"[]", b"{}", b"null", b"5", b'"ImageGenerated"', b'[{"type":"ImageGenerated"}]'):
        yield Malformed(f"json {value.decode()}", value, "NotCloudEvent")
    yield Malformed("no specversion", document(specversion=ABSENT), "NotCloudEvent")
    yield Malformed("old specversion", document(specversion="0.3"), "NotCloudEvent")
    yield Malformed("no type", document(type=ABSENT), "NotCloudEvent")
    yield Malformed("type a number", document(type=5), "NotCloudEvent")
    yield Malformed("unknown type", document(type="ImageDrawn"), "UnknownType")
    yield Malformed("type in lower case", document(type="imagegenerated"), "UnknownType")
    for version in ("2", "0", "x", "", "1.0", "-1", "٢", "99999999999999999999"):
        schema = f"urn:omega-images:ImageGenerated:{version}"
        yield Malformed(f"version {version!a}", document(dataschema=schema), "UnknownVersion")
    other = "urn:omega-images:ImageMoved:1"
    yield Malformed("another type's schema", document(dataschema=other), "UnknownVersion")
    yield Malformed("a foreign schema", document(dataschema="https://x.test/"), "UnknownVersion")


def _missing() -> Iterator[Malformed]:
    for name in ("id", "source", "time", "data"):
        yield Malformed(f"no {name}", document(**{name: ABSENT}), "MissingField")
    for kind, data in _DATA.items():
        for name in data:
            value = document(kind, **{f"data_{name}": ABSENT})
            yield Malformed(f"{kind} without {name}", value, "MissingField")
    binary = document(data=ABSENT, data_base64="e30=")
    yield Malformed("binary data", binary, "MissingField")
    for name in ("id", "source", "data_user_id", "data_tool_name", "data_storage_provider"):
        yield Malformed(f"empty {name}", document(**{name: ""}), "EmptyField")


_CHARACTERS = {
    "user_id": 32,
    "username": 255,
    "tool_name": 255,
    "model": 255,
    "size": 20,
    "quality": 20,
    "style": 20,
    "storage_provider": 50,
    "mime_type": 50,
    "message_id": 255,
}


def _too_long() -> Iterator[Malformed]:
    for name, limit in _CHARACTERS.items():
        value = document(**{f"data_{name}": "ü" * (limit + 1)})
        yield Malformed(f"{name} too long", value, "FieldTooLong")
    for name, limit in (("id", 512), ("source", 2_048), ("data_request_id", 512)):
        long, heavy = "x" * (limit + 1), "ü" * (limit // 2 + 1)
        yield Malformed(f"{name} too long", document(**{name: long}), "FieldTooLong")
        yield Malformed(f"{name} over bytes", document(**{name: heavy}), "FieldTooLong")
    url = "https://h.test/"
    yield Malformed("url too long", document(data_storage_url=url + "x" * 2034), "FieldTooLong")
    yield Malformed("url over bytes", document(data_storage_url=url + "ü" * 1017), "FieldTooLong")
    yield Malformed("101 tags", document(data_tags=["x"] * 101), "FieldTooLong")
    yield Malformed("a long tag", document(data_tags=["a", "x" * 256]), "FieldTooLong")
    code = document("ImageFailed", data_error_code="x" * 101)
    yield Malformed("error_code too long", code, "FieldTooLong")
    error = document("ImageFailed", data_error="x" * 16_385)
    yield Malformed("error too long", error, "FieldTooLong")


def _wrong_types() -> Iterator[Malformed]:
    for name, value in {
        "data_n": "5",
        "data_bytes": "5",
        "data_prompt": 5,
        "data_user_id": 123,
        "data_tags": "portrait",
        "data_metadata": [],
        "data_storage_url": None,
        "data_request_id": None,
        "data_sha256": 0,
        "data": "text",
        "time": 1_700_000_000,
        "id": 1,
        "source": None,
        "subject": 5,
    }.items():
        yield Malformed(
            f"{name} of type {type(value).__name__}", document(**{name: value}), "WrongType"
        )
    for value in (True, None, 1.5, 1.0, {}, []):
        yield Malformed(f"n {value!r}", document(data_n=value), "WrongType")
    for value in ([1], [None], [["x"]]):
        yield Malformed(f"tags {value!r}", document(data_tags=value), "WrongType")
    yield Malformed("metadata in a text", document(data_metadata="{}"), "WrongType")


def _unstorable() -> Iterator[Malformed]:
    for name, value in {"NUL": Raw(r'"a\u0000b"'), "surrogate": Raw(r'"a\ud800b"')}.items():
        error_class = "NulCharacter" if name == "NUL" else "LoneSurrogate"
        for field in ("id", "data_request_id", "data_prompt", "data_storage_url", "unknown"):
            yield Malformed(f"{name} in {field}", document(**{field: value}), error_class)
        for where in ('{"a":[{"b":%s}]}', '{"a":{%s:1}}', "{%s:1}"):
            metadata = document(data_metadata=Raw(where % value))
            yield Malformed(f"{name} in metadata {where}", metadata, error_class)
        tags = document(data_tags=Raw(f"[{value}]"))
        yield Malformed(f"{name} in a tag", tags, error_class)
    low = document(data_prompt=Raw(r'"\udc00"'))
    yield Malformed("a low surrogate", low, "LoneSurrogate")
    reverse = document(data_prompt=Raw(r'"\udc00\ud800"'))
    yield Malformed("surrogates the wrong way round", reverse, "LoneSurrogate")
    yield Malformed("a surrogate in bytes", document(data_prompt="\ud800"), "LoneSurrogate")
    for number in ("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" + "0" * 400 + ".5"):
        for field, value in {
            "data_metadata": Raw(f'{{"a":[1,{number}]}}'),
            "data_n": Raw(number),
            "unknown": Raw(number),
        }.items():
            yield Malformed(f"{number[:9]} {field}", document(**{field: value}), "NotFinite")


def _out_of_range() -> Iterator[Malformed]:
    for name, number in (("n", 0), ("n", -1), ("n", 2**31), ("bytes", -1), ("bytes", 2**31)):
        yield Malformed(f"{name} {number}", document(**{f"data_{name}": number}), "OutOfRange")
    for digits in (20, 400, 1_001, 5_000):
        value = document(data_n=Raw("9" * digits))
        yield Malformed(f"n of {digits} digits", value, "OutOfRange")
    for digits in (1_001, 5_000):
        value = document(data_metadata=Raw(f'{{"a":-{"9" * digits}}}'))
        yield Malformed(f"metadata of {digits} digits", value, "OutOfRange")
    for time in (
        *("-001-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "2026-13-01T00:00:00Z"),
        *("2026-02-30T00:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23T00:00:60Z"),
        *("2026-11-23T00:00:00+24:00", "2026-11-23T00:00:00", "2026-11-23", "1700000000", ""),
        *("1700000000.5", "2026-11-23_00:00:00Z", "2026-11-23T00:00:00,5Z"),
        *("yesterday", "2026-11-23T00:00Z", "2026-11-23T00:00:00+0100", "20261123T000000Z"),
    ):
        yield Malformed(f"time {time}", document(time=time), "InvalidTime")
    for time in (
        *(
            "0000-01-01T00:00:00Z",
            "0001-01-01T00:00:00+14:00",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
        ),
        *("9999-12-31T00:00:00Z", "9999-12-31T23:59:59-12:00"),
    ):
        yield Malformed(f"time {time}", document(time=time), "OutOfRange")


def _odd_fields() -> Iterator[Malformed]:
    for url in (
        *("", "x.png", "/uploads/x.png", "data:image/png;base64,iVBORw0KGgo=", "ftp://h.test/x"),
        *("file:///etc/passwd", "javascript:alert(1)", "https://", "https:///x", "https://:80/x"),
        *("https://h.test/a b", "https://h.test/\n", "https:\\\\h.test\\x", "//h.test/x"),
        *("https://?x", "https://u@/x", " https://h.test/x"),
    ):
        yield Malformed(f"url {url!a}", document(data_storage_url=url), "InvalidUrl")
    for sha in ("", "0" * 63, "0" * 65, "g" * 64, " " * 64, "0" * 63 + "\n"):
        yield Malformed(f"sha256 {sha[:1]!a}x{len(sha)}", document(data_sha256=sha), "InvalidField")
    yield Malformed("unknown reason", document("ImageDeleted", data_reason="x"), "InvalidField")
    text = document(datacontenttype="text/plain")
    yield Malformed("data of another type", text, "InvalidField")
    yield Malformed("another subject", document(subject="req-2"), "SubjectMismatch")
    for levels in (65, 500, 20_000):
        deep = "[" * (levels - 1) + "]" * (levels - 1)
        value = document(data_metadata=Raw(f'{{"a":{deep}}}'))
        yield Malformed(f"metadata {levels} levels deep", value, "TooDeep")
        value = document(unknown=Raw(f"[{deep}]" if levels > 65 else f"[[{deep}]]"))
        yield Malformed(f"unknown field {levels} levels deep", value, "TooDeep")


def _huge() -> Iterator[Malformed]:
    yield Malformed("prompt too long", document(data_prompt="x" * 262_145), "FieldTooLong")
    yield Malformed("prompt over bytes", document(data_prompt="ü" * 131_073), "FieldTooLong")
    metadata = {"a": "x" * 262_140}
    yield Malformed("metadata too long", document(data_metadata=metadata), "FieldTooLong")
    numbers = Raw(f'{{"a":[1{",1e15" * 20_000}]}}')
    yield Malformed("metadata that swells", document(data_metadata=numbers), "FieldTooLong")
    five = {"a": "x" * 5_000_000}
    yield Malformed("5 MB of metadata", document(data_metadata=five), "ValueTooLarge")
    blob = b"\xff" * 1_048_577
    yield Malformed("1 MiB of bytes", blob, "ValueTooLarge")
