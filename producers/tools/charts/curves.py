"""Lines that are bent between their points, and never beyond them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

STEPS = 16


def eased(
    x: Sequence[float], y: Sequence[float], tension: float
) -> tuple[list[float], list[float]]:
    """The points of a curve through all points: straight at a tension of 0.

    A monotone cubic (Fritsch and Carlson, 1980): between two points it stays between their values.
    A gap (NaN) stays one, and an x that does not grow is followed by straight lines.
    """
    whole = all(math.isfinite(value) for value in y)
    grows = all(a < b for a, b in itertools.pairwise(x))
    if tension == 0 or len(x) < 3 or not whole or not grows:
        return list(x), list(y)
    slopes = _slopes(x, y)
    over, up = [float(x[0])], [float(y[0])]
    for left in range(len(x) - 1):
        width = x[left + 1] - x[left]
        for step in range(1, STEPS + 1):
            t = step / STEPS
            bent = _hermite(t, y[left], y[left + 1], slopes[left] * width, slopes[left + 1] * width)
            over.append(x[left] + t * width)
            up.append(bent)
    return over, up


def _slopes(x: Sequence[float], y: Sequence[float]) -> list[float]:
    """At each point, limited so that the curve has no turn of its own."""
    chords = [(y[i + 1] - y[i]) / (x[i + 1] - x[i]) for i in range(len(x) - 1)]
    slopes = [chords[0]]
    for before, after in itertools.pairwise(chords):
        # The harmonic mean keeps within three times the lesser of the two.
        turns = before * after <= 0
        slopes.append(0.0 if turns else 2 * before / (before + after) * after)
    return [*slopes, chords[-1]]


def _hermite(t: float, y0: float, y1: float, m0: float, m1: float) -> float:
    square, cube = t * t, t * t * t
    return (
        (2 * cube - 3 * square + 1) * y0
        + (cube - 2 * square + t) * m0
        + (3 * square - 2 * cube) * y1
        + (cube - square) * m1
    )
