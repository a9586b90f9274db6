"""Python's search for cycles, which every process of ours has to be spared."""

from __future__ import annotations

import gc

_THRESHOLDS = (50_000, 20, 50)


def look_seldom() -> None:
    """Look for cycles after 50,000 new objects instead of 700.

    Work here makes objects by the ten thousand and drops them all together, without cycles. Looking
    for them as often as Python does by itself costs a tenth of a worker's time, and half of what an
    event costs a command that has thousands under way.
    """
    gc.set_threshold(*_THRESHOLDS)
