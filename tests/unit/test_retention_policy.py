"""The retention policy's file: what it can say, and one clear line for what it cannot."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from operations.retention_policy import PolicyError, load_policy
from projections.retention import Bounds, Choice


def written(folder: Path, text: str) -> Path:
    path = folder / "retention.toml"
    path.write_text(text)
    return path


def test_a_policy_says_what_is_kept_and_what_goes(tmp_path: Path) -> None:
    policy = load_policy(
        written(
            tmp_path,
            """
            [[keep]]
            tag = "pinned"
            [[remove]]
            name = "old failures"
            status = "failed"
            older_than = "30d"
            [[remove]]
            name = "too much"
            provider = "local"
            budget = "1.5 GB"
            keep_newest = 100
            per = "user"
            """,
        )
    )
    assert [one.choice for one in policy.keep] == [Choice(tag="pinned")]
    first, second = policy.remove
    assert first.choice == Choice(status="failed")
    assert first.bounds == Bounds(older_than=timedelta(days=30))
    assert second.bounds == Bounds(keep_newest=100, budget=1_500_000_000, per="user")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "remove: Field required"),
        ("[[remove]]\nname = 'x'", "remove.1: must have older_than, unused_for, keep_newest"),
        ("[[remove]]\nname = 'x'\nolder_than = '3 moons'", "remove.1.older_than: must be a text"),
        ("[[remove]]\nname = 'x'\nbudget = 10", "remove.1.budget: must be a text"),
        ("[[remove]]\nname = 'x'\nkeep_newest = -1", "remove.1.keep_newest: Input should be"),
        ("[[remove]]\nname = 'x'\nolder_than = '1d'\nsatus = 'failed'", "remove.1.satus: Extra"),
        ("[[remove]]\nname = 'x'\nolder_than = '1d'\nper = 'user'", "remove.1: per goes with"),
        ("[[keep]]\n[[remove]]\nname = 'x'\nolder_than = '1d'", "keep.1: must say which"),
        ("[[remove", "is not TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy(written(tmp_path, text))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_documented_policy_works(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "retention.md").read_text(encoding="utf-8")
    example = page.partition("```toml\n")[2].partition("```")[0]
    assert load_policy(written(tmp_path, example)).remove
