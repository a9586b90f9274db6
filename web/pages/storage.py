"""Storage: what lies with whom, what the last audit found, what cleanup would free."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from projections.auditing import findings_of, last_run
from projections.page_reads import provider_uses
from projections.removals import count_open
from web.charts import Series, bars
from web.formats import number, size
from web.security import require
from web.site import site_of
from web.templating import page

SHOWN = 100
"""Of the last audit's findings."""

router = APIRouter(include_in_schema=False, dependencies=[Depends(require("read"))])


@router.get("/storage")
def storage(request: Request) -> Response:
    """All of it; what cleanup would free is worked out only when asked for, since it takes long."""
    site = site_of(request)
    asked = request.query_params.get("cleanup") == "yes"
    with site.pool.connection() as connection:
        uses = provider_uses(connection)
        removals = count_open(connection)
        audit = last_run(connection)
        findings = findings_of(connection, audit, SHOWN) if audit is not None else []
    stored = [one for one in uses if one.provider is not None]
    labels = [f"{one.provider}: {number(one.images)} images" for one in stored]
    values = [size(one.bytes) for one in stored]
    series = [Series("plain", "bytes", [one.bytes for one in stored])]
    freed = site.would_free() if asked and site.would_free is not None else None
    return page(
        request,
        "storage.html",
        active="storage",
        uses=stored,
        nowhere=sum(one.images for one in uses if one.provider is None),
        chart=bars("Bytes by provider", labels, series, values) if stored else None,
        total=sum(one.bytes for one in stored),
        configured=sorted({store.provider for store in site.stores}),
        removals=removals,
        has_policy=site.would_free is not None,
        freed=freed,
        audit=audit,
        findings=findings,
    )
