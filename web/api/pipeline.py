"""How the pipeline stands, for programs."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from web.api.answers import CACHED, answer
from web.pipeline_facts import PipelineFacts, pipeline_facts
from web.security import require
from web.site import site_of

router = APIRouter(
    prefix="/api/v1/pipeline", tags=["pipeline"], dependencies=[Depends(require("read"))]
)


@router.get("", response_model=PipelineFacts, responses=CACHED)
def pipeline(request: Request) -> Response:
    """Positions, lag in records and seconds, dead letters, and what is being rebuilt."""
    return answer(request, pipeline_facts(site_of(request)))
