"""Whether URLs of rows still answer: asked gently, a few at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx

AT_A_TIME = 4
TIMEOUT_S = 10.0
GONE = frozenset({404, 410})


def gone(places: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, int]]:
    """What, URL and status of those that are not there; whoever does not answer is not judged."""
    with httpx.Client(timeout=TIMEOUT_S, follow_redirects=False) as client:

        def status(place: tuple[str, str]) -> int:
            try:
                answer = client.head(place[1])
                if answer.status_code in (405, 501):
                    answer = client.get(place[1], headers={"Range": "bytes=0-0"})
            except (httpx.HTTPError, httpx.InvalidURL):
                return 0
            return answer.status_code

        with ThreadPoolExecutor(AT_A_TIME, "urls") as pool:
            asked = list(places)
            for place, code in zip(asked, pool.map(status, asked), strict=True):
                if code in GONE:
                    yield (*place, code)
