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
from binascii import a2b_base64, b2a_base64
from typing import Any, NamedTuple, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import to_json

from schemas import limits
from schemas.compact import CompactEvent, Failed, Generated
from schemas.diagnosis import explain, parse_object
from schemas.errors import InvalidEvent
from schemas.events import Event, ImageFailed, ImageGenerated, RequestData, Strict
from schemas.json_values import is_storable

Cipher = AESGCM
"""What seals and opens with one key."""

ERASED = "[erased]"
"""What stands for a text whose key was destroyed."""

KEY_ID_BYTES = 8
KEY_BYTES = 32
_NONCE = 12
_AT_ONCE = 512
_HEAD = 1 + KEY_ID_BYTES
_VERSIONS = frozenset({b"\1", b"\2"})
_WORTH_DEFLATING = 1_024
_SURELY_FITS = limits.BYTE_LIMITS["error"]
_NUL = b"\\u0000"
_MOST_BYTES = 2 * limits.MAX_VALUE_BYTES
_SLOTS = ("__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")

M = TypeVar("M", bound=BaseModel)


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


class PersonalFields(Strict):
    """What is sealed of a success. What identifies and counts an image is not among it."""

    username: limits.Username | None = None
    prompt: limits.Prompt = ""
    tags: limits.Tags | None = None
    metadata: limits.Metadata | None = None
    message_id: limits.MessageId | None = None


class PersonalFieldsOfFailure(PersonalFields):
    """What is sealed of a failure."""

    error: limits.ErrorText = ""


PERSONAL = tuple(PersonalFieldsOfFailure.model_fields)
_KINDS: dict[type, type[PersonalFields]] = {
    ImageGenerated: PersonalFields,
    Generated: PersonalFields,
    ImageFailed: PersonalFieldsOfFailure,
    Failed: PersonalFieldsOfFailure,
}
_readers = {kind: TypeAdapter(model).validator.validate_json for kind, model in _KINDS.items()}
_empty: dict[type, dict[str, Any]] = {
    kind: {name: field.default for name, field in model.model_fields.items()}
    for kind, model in _KINDS.items()
}


def cipher_of(key: bytes) -> Cipher:
    """What seals and opens with the key; worth keeping."""
    return AESGCM(key)


def seal(event: Event, key_id: bytes, cipher: Cipher) -> Event:
    """The event with what is personal sealed; as it is when it is sealed already or has nothing.

    Only tools' events (ImageGenerated, ImageFailed) have anything.
    """
    data = event.data
    if not isinstance(data, RequestData) or data.sealed is not None:
        return event
    own, empty = data.__dict__, _empty[type(data)]
    fields = {name: own[name] for name in empty if own[name] != empty[name]}
    if not fields:
        return event
    sealed = _sealed(data, fields, key_id, cipher)
    return _with(event, {"data": _with(data, {**empty, "sealed": sealed})})


def seal_in_place(event: CompactEvent, key_id: bytes, cipher: Cipher) -> None:
    """As ``seal``, changing the event itself."""
    data = event.data
    empty = _empty.get(type(data))
    if empty is None or data.sealed is not None:
        return
    fields = {
        name: value for name, usual in empty.items() if (value := getattr(data, name)) != usual
    }
    if fields:
        data.sealed = _sealed(data, fields, key_id, cipher)
        for name in fields:
            setattr(data, name, empty[name])


def is_sealable(event: CompactEvent) -> bool:
    """Whether it may have something personal that is not sealed."""
    return type(event.data) in _empty and event.data.sealed is None


def _sealed(data: Any, fields: dict[str, Any], key_id: bytes, cipher: Cipher) -> str:
    """The sealed text of these fields."""
    plain, version = to_json(fields), b"\1"
    if len(plain) >= _WORTH_DEFLATING:
        plain, version = zlib.compress(plain, 1), b"\2"
    head, nonce = version + key_id, _nonces.draw()
    ciphertext = cipher.encrypt(nonce, plain, _bound_to(data, head))
    return b2a_base64(head + nonce + ciphertext, newline=False).decode("ascii")


def _with(model: M, changes: dict[str, Any]) -> M:
    """A copy with other values, which are valid; model_copy takes five times as long."""
    copy = model.__class__.__new__(model.__class__)
    for slot in _SLOTS:
        object.__setattr__(copy, slot, getattr(model, slot))
    object.__setattr__(copy, "__dict__", {**model.__dict__, **changes})
    return copy


class _Nonces:
    """Random nonces, drawn by the hundred: a system call for each lets other threads in between."""

    def __init__(self) -> None:
        self._drawn: list[bytes] = []
        # Two processes with the same nonces would break the cipher.
        os.register_at_fork(after_in_child=self._drawn.clear)

    def draw(self) -> bytes:
        """One that nobody has had. All threads may call it: taking from a list is atomic."""
        while True:
            try:
                return self._drawn.pop()
            except IndexError:
                drawn = os.urandom(_NONCE * _AT_ONCE)
                self._drawn += [drawn[n : n + _NONCE] for n in range(0, len(drawn), _NONCE)]


_nonces = _Nonces()


def sealed_bytes(sealed: str) -> bytes:
    """A sealed text's bytes. Raises InvalidEvent."""
    try:
        blob = a2b_base64(sealed, strict_mode=True)
    except (binascii.Error, ValueError):
        raise _broken("is not base64") from None
    if blob[:1] not in _VERSIONS:
        raise _broken(f"is of version {blob[0] if blob else 'none'}, known are 1 and 2")
    return blob


def key_id_of(blob: bytes) -> bytes:
    """The id of the key that sealed bytes need."""
    return blob[1:_HEAD]


def open_in_place(data: Any, blob: bytes, cipher: Cipher | None) -> None:
    """Put what was sealed back into its fields; without a cipher, what says it was erased.

    Frozen models are so to others: whoever calls this has just decoded the event, and a copy of
    every event would cost as much as decoding it. Raises InvalidEvent, having changed nothing, when
    the bytes were damaged, made for another event, or hold what no event may.
    """
    kind = type(data)
    if cipher is None:
        fields = {name: ERASED if value == "" else value for name, value in _empty[kind].items()}
    else:
        fields = _read(kind, _plain(data, blob, cipher)).__dict__
    if isinstance(data, BaseModel):
        data.__dict__.update(fields, sealed=None)
        return
    for name, value in fields.items():
        setattr(data, name, value)
    data.sealed = None


def _read(kind: type, plain: bytes) -> PersonalFields:
    """As in ``schemas.codec``: what can hold nothing unusual is read by one call."""
    if len(plain) <= _SURELY_FITS and _NUL not in plain:
        try:
            personal: PersonalFields = _readers[kind](plain)
        except ValidationError as exc:
            raise explain(exc) from None
        if not personal.metadata or is_storable(personal.metadata.values()):
            return personal
    return _KINDS[kind](**parse_object(plain))


def _plain(data: Any, blob: bytes, cipher: Cipher) -> bytes:
    head, nonce = blob[:_HEAD], blob[_HEAD : _HEAD + _NONCE]
    try:
        plain = cipher.decrypt(nonce, blob[_HEAD + _NONCE :], _bound_to(data, head))
    except (InvalidTag, ValueError):
        raise _broken("is damaged, or was made for another event") from None
    return _inflated(plain) if head[:1] == b"\2" else plain


def _inflated(deflated: bytes) -> bytes:
    stream = zlib.decompressobj()
    try:
        plain = stream.decompress(deflated, _MOST_BYTES)
    except zlib.error:
        raise _broken("cannot be inflated") from None
    if not stream.eof:
        raise _broken(f"is larger than {_MOST_BYTES} bytes when it is inflated")
    return plain


def _bound_to(data: Any, head: bytes) -> bytes:
    request_id: str = data.request_id
    user_id: str = data.user_id
    return b"omega-images\0" + head + request_id.encode() + b"\0" + user_id.encode()


def _broken(why: str) -> InvalidEvent:
    return InvalidEvent("SealBroken", f"data.sealed: {why}")
