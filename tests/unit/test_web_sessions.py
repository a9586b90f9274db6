"""Sessions: unguessable, bounded in time and number, and over when they are ended."""

from __future__ import annotations

from web.sessions import LIFETIME_S, Sessions
from web.tokens import Holder

ADA = Holder("ada", frozenset({"read"}))


def test_a_session_lasts_so_long_and_no_longer() -> None:
    now = 0.0
    sessions = Sessions(clock=lambda: now)
    session_id = sessions.begin(ADA)
    found = sessions.find(session_id)
    assert found is not None
    assert found.holder is ADA
    now = LIFETIME_S - 1
    assert sessions.find(session_id) is not None
    now = LIFETIME_S
    assert sessions.find(session_id) is None
    now = 0.0
    assert sessions.find(session_id) is None


def test_an_ended_session_is_over_and_the_others_are_not() -> None:
    sessions = Sessions()
    one, other = sessions.begin(ADA), sessions.begin(ADA)
    sessions.end(one)
    assert sessions.find(one) is None
    assert sessions.find(other) is not None


def test_ids_and_form_tokens_are_random_and_long() -> None:
    sessions = Sessions()
    ids = {sessions.begin(ADA) for _ in range(100)}
    forms = {session.csrf for one in ids if (session := sessions.find(one))}
    assert len(ids) == len(forms) == 100
    assert not ids & forms
    assert min(map(len, ids | forms)) >= 43


def test_the_oldest_make_room() -> None:
    sessions = Sessions(most=3)
    ids = [sessions.begin(ADA) for _ in range(5)]
    assert [sessions.find(one) is not None for one in ids] == [False, False, True, True, True]


def test_what_is_kept_is_no_way_in() -> None:
    sessions = Sessions()
    session_id = sessions.begin(ADA)
    assert session_id not in repr(vars(sessions))
