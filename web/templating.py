"""Pages from templates; whatever is put into them is escaped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from web.security import csrf_of

HERE = Path(__file__).parent
STATIC = HERE / "static"

environment = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """The template's page; it also gets ``caller`` and ``csrf_token``."""
    shared = {"caller": request.state.caller, "csrf_token": csrf_of(request)}
    text = environment.get_template(template).render(**shared, **values)
    return HTMLResponse(text, status)
