"""Sealing: what is personal in an event, encrypted with a key of its user's that can be destroyed.

The log is never rewritten; when a key is gone, so is what it sealed, in every copy of the log
(crypto-shredding). AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits; the request's id
and the user's are authenticated with it, so that no sealed text fits into another event. A sealed
text is base64 of: version (1: plain JSON, 2: deflated), the key's id (8 bytes), the nonce (12),
the ciphertext with its tag (16).
"""

from __future__ import annotations

import binascii
import os
import zlib
from base64 import b64decode, b64encode
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from schemas import limits
from schemas.diagnosis import explain, parse_object
from schemas.errors import InvalidEvent
from schemas.events import Event, FailedEvent, GeneratedEvent, RequestData, Strict
from schemas.json_values import is_storable

ERASED = "[erased]"
"""What stands for a text whose key was destroyed."""

KEY_ID_BYTES = 8
KEY_BYTES = 32
_NONCE = 12
_HEAD = 1 + KEY_ID_BYTES
_HEAD_TEXT = _HEAD // 3 * 4
_WORTH_DEFLATING = 1_024
_SURELY_FITS = limits.BYTE_LIMITS["error"]
_NUL = b"\\u0000"
_MOST_BYTES = 2 * limits.MAX_VALUE_BYTES


class SealingKey(NamedTuple):
    """A user's key: its id (8 bytes), and 32 secret bytes."""

    key_id: bytes
    key: bytes

    def __repr__(self) -> str:
        return f"SealingKey({self.key_id.hex()})"


def new_key() -> SealingKey:
    """A random one."""
    return SealingKey(os.urandom(KEY_ID_BYTES), os.urandom(KEY_BYTES))


class KeysUnavailable(Exception):
    """Keys can neither be looked up nor made now; try again."""


class Personal(Strict):
    """The fields that are sealed. What identifies and counts an image is not among them."""

    username: limits.Username | None = None
    prompt: limits.Prompt = ""
    tags: limits.Tags | None = None
    metadata: limits.Metadata | None = None
    message_id: limits.MessageId | None = None
    error: limits.ErrorText = ""


PERSONAL = tuple(Personal.model_fields)
_EMPTY: dict[str, Any] = {name: field.default for name, field in Personal.model_fields.items()}
_LOST = _EMPTY | {"prompt": ERASED, "error": ERASED}
_read_personal = TypeAdapter(Personal).validator.validate_json


def seal(event: Event, key: SealingKey) -> Event:
    """The event with what is personal sealed; as it is when it is sealed already or has nothing.

    Only tools' events (ImageGenerated, ImageFailed) have anything.
    """
    if not isinstance(event, GeneratedEvent | FailedEvent) or event.data.sealed is not None:
        return event
    data = event.data
    own = data.__dict__
    fields = {name: own[name] for name in PERSONAL if name in own and own[name] != _EMPTY[name]}
    if not fields:
        return event
    plain, version = to_json(fields), 1
    if len(plain) >= _WORTH_DEFLATING:
        plain, version = zlib.compress(plain, 1), 2
    head, nonce = bytes((version,)) + key.key_id, os.urandom(_NONCE)
    ciphertext = AESGCM(key.key).encrypt(nonce, plain, _bound_to(data, head))
    text = b64encode(head + nonce + ciphertext).decode()
    cleared = {name: value for name, value in _EMPTY.items() if name in data.__dict__}
    sealed = data.model_copy(update={**cleared, "sealed": text})
    return event.model_copy(update={"data": sealed})


def key_id_of(sealed: str) -> bytes:
    """The id of the key that a sealed text needs. Raises InvalidEvent."""
    try:
        head = b64decode(sealed[:_HEAD_TEXT], validate=True)
    except (binascii.Error, ValueError):
        raise _broken("is not base64") from None
    if head[:1] not in {b"\1", b"\2"}:
        raise _broken(f"is of version {head[0] if head else 'none'}, known are 1 and 2")
    return head[1:_HEAD]


def unsealed(data: RequestData, key: bytes | None) -> dict[str, Any]:
    """The fields that were sealed, with ``sealed`` None; without a key, what says they are erased.

    Raises InvalidEvent when the text was damaged, moved from another event, or holds what no
    event may.
    """
    assert data.sealed is not None  # noqa: S101  # the caller has looked
    own = data.__dict__.keys()
    if key is None:
        return {name: value for name, value in _LOST.items() if name in own} | {"sealed": None}
    personal = _read(_plain(data, data.sealed, key))
    fields = {name: value for name, value in personal.__dict__.items() if name in own}
    return fields | {"sealed": None}


def _read(plain: bytes) -> Personal:
    """As in ``schemas.codec``: what can hold nothing unusual is read by one call."""
    if len(plain) <= _SURELY_FITS and _NUL not in plain:
        try:
            personal: Personal = _read_personal(plain)
        except ValidationError as exc:
            raise explain(exc) from None
        if not personal.metadata or is_storable(personal.metadata.values()):
            return personal
    return Personal(**parse_object(plain))


def _plain(data: RequestData, sealed: str, key: bytes) -> bytes:
    try:
        blob = b64decode(sealed, validate=True)
    except (binascii.Error, ValueError):
        raise _broken("is not base64") from None
    head, nonce = blob[:_HEAD], blob[_HEAD : _HEAD + _NONCE]
    try:
        plain = AESGCM(key).decrypt(nonce, blob[_HEAD + _NONCE :], _bound_to(data, head))
    except (InvalidTag, ValueError):
        raise _broken("is damaged, or was made for another event") from None
    return _inflated(plain) if head[0] == 2 else plain


def _inflated(deflated: bytes) -> bytes:
    stream = zlib.decompressobj()
    try:
        plain = stream.decompress(deflated, _MOST_BYTES)
    except zlib.error:
        raise _broken("cannot be inflated") from None
    if not stream.eof:
        raise _broken(f"is larger than {_MOST_BYTES} bytes when it is inflated")
    return plain


def _bound_to(data: RequestData, head: bytes) -> bytes:
    return b"omega-images\0" + head + data.request_id.encode() + b"\0" + data.user_id.encode()


def _broken(why: str) -> InvalidEvent:
    return InvalidEvent("SealBroken", f"data.sealed: {why}")
