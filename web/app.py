"""The application: every router behind the guard."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fastapi import FastAPI

from web import errors, health, images_api, ingest, login, uploads
from web.api import dead_letters, document, examples, explain, failures, images, pipeline, stats
from web.assets import Assets
from web.error_pages import error_page
from web.guard import Guard
from web.live import Live
from web.pages import (
    analytics,
    gallery,
    image,
    storage,
)
from web.pages import (
    failures as failure_pages,
)
from web.pages import (
    pipeline as pipeline_page,
)
from web.site import Site
from web.thumbnails import Thumbnails

SCRAPE_PATIENCE_S = 2.0
"""So long may the database take to give a connection for the metrics."""

ROUTERS = (
    health.router,
    login.router,
    uploads.router,
    ingest.router,
    images_api.router,
    images.router,
    stats.router,
    failures.router,
    explain.router,
    dead_letters.router,
    pipeline.router,
    document.router,
    gallery.router,
    image.router,
    failure_pages.router,
    analytics.router,
    pipeline_page.router,
    storage.router,
)
"""In the order in which they are asked."""


def create_app(site: Site) -> FastAPI:
    """The application of a site, which stays whoever's made it: nothing is opened or closed."""
    app = FastAPI(
        title="Omega Images",
        version=version("omega-images"),
        description="The image ledger: events in, images and numbers out.",
        openapi_url="/api/v1/openapi.json",
        # Their pages load scripts from other hosts.
        docs_url=None,
        redoc_url=None,
        responses=errors.RESPONSES,
    )
    app.state.site = site
    site.metrics.watch_ledger(lambda: site.pool.connection(SCRAPE_PATIENCE_S))
    app.state.desk = ingest.Desk(site.limits.ingest_threads)
    app.add_middleware(Guard, site=site)
    app.state.live = Live(site)
    app.state.thumbnails = Thumbnails(site.cache / "thumbnails", (*site.stores, site.uploads))
    errors.install(app, error_page)
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", Assets(), name="static")
    schema = app.openapi
    app.openapi = lambda: _finished(schema())  # type: ignore[method-assign]  # FastAPI's own way
    return app


def _finished(schema: dict[str, Any]) -> dict[str, Any]:
    """With examples, and without 422: parameters that are wrong are answered with 400 here."""
    for path in schema.get("paths", {}).values():
        for operation in path.values():
            operation.get("responses", {}).pop("422", None)
    for name in ("HTTPValidationError", "ValidationError"):
        schema.get("components", {}).get("schemas", {}).pop(name, None)
    return examples.put_into(schema)
