"""Whether the server is well: /healthz, /readyz and /metrics, as the workers have them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from prometheus_client.exposition import choose_encoder
from psycopg_pool import ConnectionPool
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from web.security import Caller, require
from web.site import Site, site_of

router = APIRouter(tags=["health"])

PATIENCE_S = 2.0
"""So long may the database take to answer."""


@router.get("/healthz", include_in_schema=False)
async def healthz() -> Response:
    """Well, as long as this is answered: nothing that a restart would not mend is looked at."""
    return _state([])


@router.get("/readyz", include_in_schema=False)
async def readyz(request: Request) -> Response:
    """Whether images can be read: the database answers."""
    return _state(await run_in_threadpool(_complaints, site_of(request)))


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request, _caller: Annotated[Caller, Depends(require("read"))]) -> Response:
    """For Prometheus, with a token of the role read."""
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    body = encode(site_of(request).metrics.registry)
    return Response(body, headers={"Content-Type": content_type})


def _complaints(site: Site) -> list[str]:
    try:
        with site.pool.connection(PATIENCE_S) as connection:
            ConnectionPool.check_connection(connection)
    except Exception:  # noqa: BLE001  # whatever it is, images cannot be read
        return ["the database does not answer"]
    return []


def _state(reasons: list[str]) -> Response:
    status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
    return JSONResponse({"state": "sick" if reasons else "well", "reasons": reasons}, status)
