"""Pages from templates; whatever is put into them is escaped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from web import formats
from web.assets import asset
from web.security import csrf_of

HERE = Path(__file__).parent

NAVIGATION = (
    ("gallery", "/", "Gallery"),
    ("failures", "/failures", "Failures"),
    ("analytics", "/analytics", "Analytics"),
    ("pipeline", "/pipeline", "Pipeline"),
    ("storage", "/storage", "Storage"),
)

environment = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
environment.filters.update(formats.FILTERS)
environment.globals.update(
    {"asset": asset, "link_of": formats.link, "navigation": NAVIGATION, "active": None}
)


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """The template's page; it also gets ``caller``, ``csrf_token`` and ``here``, its address."""
    return HTMLResponse(render(request, template, **values), status)


def render(request: Request, template: str, **values: Any) -> str:
    """The text of the page."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    shared = {
        "caller": request.state.caller,
        "csrf_token": csrf_of(request),
        "here": here,
        "path": request.url.path,
    }
    return environment.get_template(template).render(**shared, **values)


def part(template: str, **values: Any) -> str:
    """A part of a page, the same for whoever sees it."""
    return environment.get_template(template).render(**values)
