"""What the demonstration plays: who asks for which image, and what becomes of each request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from importlib.resources import files
from random import Random
from typing import NamedTuple


class Fate(Enum):
    """What happens to a request after it was asked for."""

    GOOD = "good"
    FAILED = "failed"
    RETRIED = "retried"
    """Fails first; the retry, under the same request id, succeeds."""
    DUPLICATED = "duplicated"
    """Its event is delivered twice."""
    MOVED = "moved"
    """The image goes to another place later."""
    DELETED = "deleted"
    """The user has the image deleted later."""


Wanted = tuple[str, str, str | None]
"""Tool, prompt, style."""


class User(NamedTuple):
    """Somebody who asks for images."""

    user_id: str
    username: str


class Failure(NamedTuple):
    """Why a tool did not make an image."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """One image that somebody asked a tool for."""

    request_id: str
    user: User
    tool: str
    prompt: str
    style: str | None
    size: tuple[int, int]
    fate: Fate
    failure: Failure | None
    message_id: str


USERS = tuple(
    User(f"1184{number:014d}", name)
    for number, name in enumerate(
        ("ada", "björn", "chloé", "dmitri", "emeka", "fatima", "goro", "hana", "ines", "jules"),
        7001,
    )
)
FAILURES = (
    Failure("timeout", "the provider did not answer within 60 s"),
    Failure("rate_limit", "the provider's rate limit is reached: retry after 20 s"),
    Failure("content_policy", "the provider refused the prompt: content policy"),
    Failure("overloaded", "503 from the provider: overloaded"),
)
STYLES = ("watercolor", "poster", "noir", "pixel art", "pastel", "pencil sketch", "vivid", "sepia")
SIZES = {
    "generateIconEmoji": (256, 256),
    "renderChart": (640, 400),
    "generateUserAvatar": (320, 320),
}
SCENE_SIZES = ((384, 384), (448, 336), (336, 448))
FATES = {
    Fate.FAILED: 14,
    Fate.RETRIED: 8,
    Fate.DUPLICATED: 10,
    Fate.MOVED: 6,
    Fate.DELETED: 5,
}
DEFAULT_COUNT = 248


def prompts() -> list[tuple[str, str]]:
    """The written prompts, each with its tool, in the file's order."""
    text = files(__package__).joinpath("prompts.txt").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return [(tool.strip(), prompt.strip()) for tool, _, prompt in (x.partition("|") for x in lines)]


def requests(count: int = DEFAULT_COUNT, seed: int = 1) -> list[Request]:
    """So many requests in the order in which they are made; the same ones for the same seed.

    Every written prompt comes once, the scenes again in styles until there are enough. Raises
    ValueError when there are not that many, or fewer than the fates need.
    """
    random = Random(seed)  # noqa: S311  # a story, not a secret
    wanted = list(_wanted(count))
    random.shuffle(wanted)
    fates = [fate for fate, number in FATES.items() for _ in range(number)]
    if len(wanted) < count or count < len(fates):
        raise ValueError(f"{count} requests cannot be played: {len(fates)} to {len(wanted)} can")
    fates += [Fate.GOOD] * (count - len(fates))
    random.shuffle(fates)
    # The oldest go to the archive, as they would.
    fates.sort(key=lambda fate: fate is not Fate.MOVED)
    return [
        _request(number, what, fate, random)
        for number, (what, fate) in enumerate(zip(wanted, fates, strict=True), 1)
    ]


def _wanted(count: int) -> Iterator[Wanted]:
    written = prompts()
    plain: list[Wanted] = [(tool, prompt, None) for tool, prompt in written]
    yield from plain[:count]
    scenes = [prompt for tool, prompt in written if tool == "generateUserImage"]
    left = count - len(plain)
    for number in range(min(left, len(scenes) * len(STYLES))):
        turn, index = divmod(number, len(scenes))
        yield "generateUserImage", scenes[index], STYLES[(index + turn) % len(STYLES)]


def _request(number: int, what: Wanted, fate: Fate, random: Random) -> Request:
    tool, prompt, style = what
    failed = fate in {Fate.FAILED, Fate.RETRIED}
    return Request(
        request_id=f"demo-{number:04d}",
        user=random.choice(USERS),
        tool=tool,
        prompt=prompt,
        style=style,
        size=SIZES.get(tool) or random.choice(SCENE_SIZES),
        fate=fate,
        failure=random.choice(FAILURES) if failed else None,
        message_id=f"{1300_000_000_000_000_000 + number * 7_919}",
    )
