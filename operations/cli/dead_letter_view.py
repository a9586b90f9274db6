"""A dead letter on the screen."""

from __future__ import annotations

import json
from typing import Any

from operations.cli.output import print_table, say
from projections.dead_letter_facts import letter_facts
from projections.dead_letter_reads import StoredLetter

SHOWN = 4_000
"""Characters of a record on the screen; --json has all of it."""


def show_letter(letter: StoredLetter) -> None:
    """Print it in tables."""
    facts = letter_facts(letter)
    names = ("projection", "state", "attempts", "error_class", "message", "fingerprint")
    places = ("topic", "partition", "offset", "timestamp_ms", "first_seen", "last_seen", "key")
    print_table(
        f"Dead letter {letter.id}", ("what", "is"), [(name, facts[name]) for name in names + places]
    )
    if letter.headers:
        print_table("Headers", ("name", "value"), list(facts["headers"].items()))
    print_table("History", ("at", "was"), [_past(past) for past in letter.history])
    read_as, value = facts["read_as"], facts["record"]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    say(f"The record ({len(letter.value or b''):,} bytes), read as {read_as}:")
    say(text[:SHOWN])
    if len(text) > SHOWN:
        say(f"… {len(text) - SHOWN:,} characters more; --json has them")


def _past(past: dict[str, Any]) -> tuple[str, str]:
    words = (past.get("state"), past.get("error_class"), past.get("message"), past.get("note"))
    return str(past.get("at")), ": ".join(str(word) for word in words if word)
