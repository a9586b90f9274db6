"""The demonstration's story: enough images, every fate, the same each time."""

from __future__ import annotations

from collections import Counter

import pytest

from operations.demo.story import DEFAULT_COUNT, FATES, USERS, Fate, prompts, requests
from producers.drawing import TOOLS


def test_enough_images_remain_and_every_fate_is_played() -> None:
    story = requests()
    fates = Counter(request.fate for request in story)
    assert len(story) == DEFAULT_COUNT
    assert len(story) - fates[Fate.FAILED] >= 200
    assert {fate: fates[fate] for fate in FATES} == FATES
    assert len({request.request_id for request in story}) == len(story)
    assert len({(r.tool, r.prompt, r.style) for r in story}) == len(story)
    assert {request.user for request in story} == set(USERS)
    assert requests() == story != requests(seed=2)


def test_every_tool_is_shown_on_prompts_that_somebody_wrote() -> None:
    written = prompts()
    assert len(written) >= 60
    assert len(set(written)) == len(written)
    assert {tool for tool, _ in written} == set(TOOLS)
    assert {request.tool for request in requests()} == set(TOOLS)


@pytest.mark.parametrize("count", [1, 100_000])
def test_a_story_that_cannot_be_told_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="cannot be played"):
        requests(count)
