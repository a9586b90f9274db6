"""Answers remembered by key: the right ones, for a while, and as far as there is room."""

from __future__ import annotations

import pytest

from web import idempotency
from web.idempotency import KEPT_S, Answers, OtherRequest


def test_an_answer_is_found_by_holder_key_and_request() -> None:
    answers = Answers()
    answers.keep("bot", "k", b"asked", b"answer")
    assert answers.find("bot", "k", b"asked") == b"answer"
    assert answers.find("other", "k", b"asked") is None
    assert answers.find("bot", "other", b"asked") is None
    with pytest.raises(OtherRequest):
        answers.find("bot", "k", b"something else")


def test_it_is_forgotten_after_a_while() -> None:
    now = 0.0
    answers = Answers(clock=lambda: now)
    answers.keep("bot", "k", b"asked", b"answer")
    now = KEPT_S
    assert answers.find("bot", "k", b"asked") == b"answer"
    now = KEPT_S + 1
    assert answers.find("bot", "k", b"something else") is None


def test_the_oldest_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "MOST_BYTES", 100)
    answers = Answers()
    for number in range(10):
        answers.keep("bot", str(number), b"asked", b"x" * 30)
        answers.keep("bot", str(number), b"asked", b"x" * 30)
    found = [answers.find("bot", str(number), b"asked") is not None for number in range(10)]
    assert found == [False] * 7 + [True] * 3
