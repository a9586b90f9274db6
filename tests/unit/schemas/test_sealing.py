"""What is sealed comes back whole with its key, and not at all without it."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import sealing
from schemas.codec import decode, encode
from schemas.compact import compact, encode_compact
from schemas.errors import InvalidEvent
from schemas.events import Event, ImageDeleted, RequestData, new_event
from schemas.sealing import (
    ERASED,
    PERSONAL,
    Cipher,
    cipher_of,
    new_key,
    open_in_place,
    sealed_bytes,
)
from tests.support.builders import failed, generated
from tests.support.strategies import events

KEY = new_key()
CIPHER = cipher_of(KEY.key)


def seal(event: Event) -> Event:
    return sealing.seal(event, KEY.key_id, CIPHER)


def unseal(data: RequestData, cipher: Cipher | None = CIPHER) -> None:
    assert data.sealed is not None
    open_in_place(data, sealed_bytes(data.sealed), cipher)


def opened(event: Event, cipher: Cipher | None = CIPHER) -> dict[str, Any]:
    """The data's fields after it has stood on the topic and was unsealed."""
    data = decode(encode(event)).data
    assert isinstance(data, RequestData)
    unseal(data, cipher)
    return data.__dict__


@given(event=events())
@settings(max_examples=100)
def test_it_is_the_same_for_the_form_that_the_consumers_hold(event: Event) -> None:
    sealed = compact(decode(encode(seal(event))))
    if getattr(sealed.data, "sealed", None) is not None:
        unseal(sealed.data)
    assert sealed == compact(decode(encode(event)))


@given(event=events())
@settings(max_examples=100)
def test_sealing_in_place_is_the_same(event: Event) -> None:
    flat, original = compact(event), compact(event)
    sealing.seal_in_place(flat, KEY.key_id, CIPHER)
    sealed = seal(event)
    text = getattr(flat.data, "sealed", None)
    assert (text is None) == (sealed is event)
    if text is not None:
        assert text != getattr(sealed.data, "sealed", None), "each has a nonce of its own"
        flat.data.sealed = getattr(sealed.data, "sealed", None)
        assert flat == compact(sealed)
        flat.data.sealed = text
        sealing.seal_in_place(flat, KEY.key_id, CIPHER)
        assert flat.data.sealed == text, "what is sealed is not sealed again"
        unseal(flat.data)
    assert decode(encode_compact(flat)) == decode(encode_compact(original))


@given(event=events())
@settings(max_examples=150)
def test_sealing_and_unsealing_change_nothing(event: Event) -> None:
    sealed = seal(event)
    if sealed is event:
        assert not any(event.data.__dict__.get(name) for name in PERSONAL)
        return
    assert opened(sealed) == decode(encode(event)).data.__dict__


@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=4))
def test_nothing_personal_is_left_readable(text: str) -> None:
    secret = f"<{text}>"
    event = failed(
        username=secret[:255],
        prompt=secret,
        tags=(secret[:255],),
        error=secret,
        metadata={secret: secret},
        message_id=secret[:255],
    )
    sealed = seal(event)
    assert isinstance(sealed.data, RequestData)
    shown = sealed.data.model_dump(exclude={"sealed"})
    assert not any(shown[name] for name in PERSONAL)
    assert secret.encode() not in encode(sealed)
    assert secret.encode() not in b64decode(str(sealed.data.sealed))


def test_without_its_key_it_says_that_it_was_erased() -> None:
    assert opened(seal(generated(prompt="a secret")), None)["prompt"] == ERASED
    gone = opened(seal(failed(prompt="a secret", error="why")), None)
    assert (gone["prompt"], gone["error"], gone["username"]) == (ERASED, ERASED, None)


def test_what_is_sealed_is_not_sealed_again_and_what_has_nothing_stays() -> None:
    once = seal(generated())
    assert seal(once) is once
    gone = new_event(ImageDeleted(request_id="r", reason="user"))
    assert seal(gone) is gone


def test_large_prompts_are_deflated_and_fit() -> None:
    prompt = "\x01" * 262_144
    assert opened(seal(generated(prompt=prompt)))["prompt"] == prompt


def test_a_sealed_text_fits_no_other_event() -> None:
    first, second = seal(generated(request_id="a")), generated(request_id="b")
    assert isinstance(first.data, RequestData)
    data = second.data.model_copy(update={"sealed": first.data.sealed})
    assert isinstance(data, RequestData)
    with pytest.raises(InvalidEvent, match="made for another event"):
        unseal(data)


@given(place=st.integers(0, 2**20), bit=st.integers(0, 7))
def test_damage_is_noticed(place: int, bit: int) -> None:
    data = seal(generated()).data
    assert isinstance(data, RequestData)
    assert data.sealed is not None
    blob = bytearray(b64decode(data.sealed))
    blob[place % len(blob)] ^= 1 << bit
    spoilt = data.model_copy(update={"sealed": b64encode(blob).decode()})
    assert isinstance(spoilt, RequestData)
    with pytest.raises(InvalidEvent):
        unseal(spoilt)


def test_a_key_does_not_show_itself() -> None:
    assert KEY.key.hex() not in repr(KEY)
    assert repr(KEY.key) not in repr(KEY)


def test_no_two_nonces_are_the_same_across_threads() -> None:
    event = generated(prompt="the same")
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(lambda _: nonce_of(seal(event)), range(4_000)))
    assert len(set(sealed)) == 4_000


def test_a_forked_process_draws_nonces_of_its_own() -> None:
    event = generated(prompt="the same")
    seal(event)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, nonce_of(seal(event)))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 12) != nonce_of(seal(event))
    os.close(reading)
    os.close(writing)


def nonce_of(event: Event) -> bytes:
    assert isinstance(event.data, RequestData)
    assert event.data.sealed is not None
    return b64decode(event.data.sealed)[9:21]
