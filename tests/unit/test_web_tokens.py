"""Access tokens: the setting's form, and the comparison that tells nothing by its time."""

from __future__ import annotations

import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.tokens import ROLES, Holder, parse_tokens, token_table

SECRET = "s3cret-0123456789"

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
secrets = st.from_regex(r"[A-Za-z0-9._~+/=-]{16,60}", fullmatch=True)
role_sets = st.frozensets(st.sampled_from(ROLES), min_size=1)
entries = st.lists(
    st.tuples(names, role_sets, secrets), unique_by=(lambda e: e[0], lambda e: e[2]), max_size=8
)


@given(entries, secrets)
def test_each_token_finds_its_own_holder_and_no_other_does(entries: Any, other: str) -> None:
    text = ", ".join(f"{name}:{'+'.join(sorted(roles))}:{token}" for name, roles, token in entries)
    table = token_table(parse_tokens(text))
    for name, roles, token in entries:
        assert table.holder_of(token) == Holder(name, roles)
    if other not in {token for _, _, token in entries}:
        assert table.holder_of(other) is None
    assert bool(table) == bool(entries)


def test_a_token_may_be_good_for_some_tools_only() -> None:
    ((_, holder),) = parse_tokens(f"charts:ingest@renderChart+generateComic:{SECRET}")
    assert holder.tools == frozenset({"renderChart", "generateComic"})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (SECRET, "must be name:role"),
        (f"a:{SECRET}", "must be name:role"),
        (f"a b:read:{SECRET}", "must be name:role"),
        (f":read:{SECRET}", "must be name:role"),
        (f"a:write:{SECRET}", "roles of read, ingest, operate"),
        (f"a::{SECRET}", "roles of read, ingest, operate"),
        (f"a:read+:{SECRET}", "roles of read, ingest, operate"),
        (f"a:read@tool:{SECRET}", "tools after @"),
        (f"a:ingest@:{SECRET}", "tools after @"),
        ("a:read:" + SECRET[:15], "16 to 512"),
        (f"a:read:{SECRET}!", "16 to 512"),
        (f"a:read:{SECRET} more", "16 to 512"),
        (f"a:read:{SECRET},a:ingest:{SECRET}x", "the name of another"),
        (f"a:read:{SECRET},b:ingest:{SECRET}", "the token of another"),
    ],
)
def test_a_wrong_entry_is_named_by_its_number_and_never_shown(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=r"entry [12] ") as caught:
        parse_tokens(text)
    assert why in str(caught.value)
    assert SECRET[:15] not in str(caught.value)


def test_every_entry_is_compared_whichever_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    text = ",".join(f"t{number}:read:{SECRET}{number}" for number in range(5))
    table = token_table(parse_tokens(text))
    compared: list[bytes] = []
    honest = hmac.compare_digest

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(one)
        return honest(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    for presented in (f"{SECRET}0", f"{SECRET}4", "none", ""):
        compared.clear()
        table.holder_of(presented)
        assert len(compared) == 5


def test_the_table_shows_and_keeps_no_token() -> None:
    table = token_table(parse_tokens(f"a:read:{SECRET}"))
    assert SECRET not in repr(table)
    assert SECRET.encode() not in b"".join(digest for digest, _ in table._entries)
