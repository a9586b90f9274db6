"""Scripts, styles and pictures of the pages, which browsers keep until they change."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"
YEAR_S = 31_536_000


@cache
def asset(name: str) -> str:
    """The address of a file, which changes with its content."""
    return f"/static/{name}?v={_version(name)}"


@cache
def _version(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


class Assets(StaticFiles):
    """Serves them: under their own address for a year, else asked for anew each time."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """As StaticFiles, with Cache-Control."""
        answer = await super().get_response(path, scope)
        given = QueryParams(scope["query_string"]).get("v")
        kept = given is not None and (STATIC / path).is_file() and given == _version(path)
        how = f"public, max-age={YEAR_S}, immutable" if kept else "no-cache"
        answer.headers["Cache-Control"] = how
        return answer
