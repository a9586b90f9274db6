"""Requests to GitHub's REST API, repeated as its answers say, until a deadline."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

import httpx
from githubkit import GitHub
from githubkit.exception import GitHubException, RateLimitExceeded, RequestFailed, RequestTimeout

from producers.storage.storage import StorageUnavailable

JSON = "application/vnd.github+json"

FIRST_WAIT_S = 0.5
UNTOLD_PATIENCE_S = 60.0
"""A rate limit says when it ends, and is waited for; a server that is away does not."""
LONGEST_WAIT_S = 8.0
UNTOLD_LIMIT_S = 60.0
"""The wait that the API's rules ask for when a limit was hit and no header says how long."""

TOLD = frozenset({404, 409, 413, 422})
"""Answers that only the caller can judge."""

_LIMITED = re.compile(r"rate limit|abuse", re.IGNORECASE)


class Answer(NamedTuple):
    """An answer that is a success, or of TOLD."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body, decoded. Raises StorageUnavailable: a proxy's page, say."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise StorageUnavailable("GitHub's answer is not JSON") from None

    @property
    def message(self) -> str:
        """What an error says, in one line."""
        return _message(self.body)


class Patience:
    """How long one operation may take. ``clock`` and ``sleep`` are in seconds."""

    def __init__(
        self, seconds: float, clock: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._until = clock() + seconds
        self._clock, self._sleep = clock, sleep
        self._failures = 0
        self._failing_since = 0.0

    @property
    def left(self) -> float:
        """So many seconds more."""
        return max(0.0, self._until - self._clock())

    def wait(self, reason: str, seconds: float | None = None) -> None:
        """Before the next try; without ``seconds`` for a while that grows, with jitter.

        Raises StorageUnavailable, at once, when the deadline would come first; and after
        UNTOLD_PATIENCE_S where nobody says how long it will take.
        """
        self._failures += 1
        left, told = self.left, seconds is not None
        if self._failures == 1:
            self._failing_since = self._clock()
        if seconds is None:
            longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (self._failures - 1))
            seconds = longest * (0.5 + random.random() / 2)  # noqa: S311  # no secret
            left = min(left, self._failing_since + UNTOLD_PATIENCE_S - self._clock())
        if seconds >= left:
            raise StorageUnavailable(f"{reason}; given up after {self._failures} tries")
        self._sleep(seconds)
        if told:
            self._failing_since = self._clock()


class GitHubApi:
    """All threads may use it."""

    def __init__(self, token: str, api_url: str, timeout_s: float) -> None:
        """``timeout_s``: the longest silence within one request."""
        self._github = GitHub(
            token,
            base_url=api_url,
            user_agent="omega-images",
            timeout=timeout_s,
            # Made once: loading the certificates takes longer than a request on a warm connection.
            ssl_verify=httpx.create_ssl_context(),
            http_cache=False,
            auto_retry=False,
        )

    def send(
        self,
        method: str,
        path: str,
        patience: Patience,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, str] | None = None,
        accept: str = JSON,
    ) -> Answer:
        """Send until there is an answer to go by.

        Repeated: 5xx, silence, broken connections, and 403 and 429 of a rate limit after the wait
        that their headers ask for. A repeated request may have had its effect the first time.
        Raises StorageUnavailable, for anything else as well.
        """
        headers = {"Accept": accept, "X-GitHub-Api-Version": "2022-11-28"}
        while True:
            try:
                found = self._github.request(
                    method, path, params=params, json=body, headers=headers
                ).raw_response
            except (GitHubException, ValueError) as exc:
                status = exc.response.status_code if isinstance(exc, RequestFailed) else 0
                if isinstance(exc, RequestFailed) and status in TOLD:
                    return Answer(status, exc.response.content)
                patience.wait(*_judged(exc))
            else:
                return Answer(found.status_code, found.content)


def patience_for(seconds: float) -> Patience:
    """Of the real clock."""
    return Patience(seconds, time.monotonic, time.sleep)


def _judged(exc: Exception) -> tuple[str, float | None]:
    """Why it failed and how long to wait; StorageUnavailable is raised where waiting is vain."""
    if isinstance(exc, RateLimitExceeded):
        wait = exc.retry_after + timedelta(seconds=0.1)
        return f"GitHub's rate limit, for {wait.total_seconds():.0f} s", wait.total_seconds()
    if isinstance(exc, RequestFailed):
        return _judged_answer(exc.response.status_code, exc.response.content)
    if isinstance(exc, RequestTimeout):
        return "GitHub does not answer in time", None
    if isinstance(exc, ValueError):
        # The library reads a Retry-After in seconds; HTTP knows dates as well.
        return "GitHub's rate limit", UNTOLD_LIMIT_S
    cause = type(exc.__cause__ or exc).__name__
    return f"GitHub cannot be reached ({cause})", None


def _judged_answer(status: int, body: bytes) -> tuple[str, float | None]:
    message = _message(body)
    if status >= 500:
        return f"GitHub answers {status}", None
    if status == 429 or (status == 403 and _LIMITED.search(message)):
        return "GitHub's rate limit", UNTOLD_LIMIT_S
    hint = " (is the token right, and may it write contents?)" if status in {401, 403} else ""
    raise StorageUnavailable(f"GitHub answers {status}: {message}{hint}")


def _message(body: bytes) -> str:
    try:
        said = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        said = body.decode("utf-8", "replace")
    return " ".join(str(said).split())[:200]
