"""The command that runs the web server."""

from __future__ import annotations

from typing import Annotated

import typer

from operations.cli.errors import UserError
from operations.logs import configure_logs
from operations.serving import NotSafe, check_exposure, run_server
from operations.settings import load_settings
from operations.wiring import open_ledger

DEFAULT_PORT = 8080


def serve(
    host: Annotated[str | None, typer.Option(help="Default: OMEGA_HTTP_HOST.")] = None,
    port: Annotated[
        int | None,
        typer.Option(
            help="0: any free one. Default: OMEGA_HTTP_PORT, else 8080.", min=0, max=65535
        ),
    ] = None,
) -> None:
    """Serve pages, read API and event ingest until SIGTERM or Ctrl-C.

    Who may do what is said by OMEGA_API_TOKENS (name:role+role:token, separated by commas; roles
    read, ingest and operate) and OMEGA_HTTP_OPEN_READING (no, local or public); without either,
    or with less than an address that others reach needs, it does not start.

    Examples: OMEGA_HTTP_OPEN_READING=local omega-images serve |
    OMEGA_API_TOKENS=me:read+operate:SECRET omega-images serve --host 0.0.0.0 --port 8080
    """
    configure_logs()
    settings = load_settings()
    where = settings.http_host if host is None else host
    number = (settings.http_port or DEFAULT_PORT) if port is None else port
    try:
        check_exposure(settings, where)
        run_server(open_ledger(settings), where, number)
    except NotSafe as exc:
        raise UserError(f"web server at {where}", exc.why, exc.do) from exc
    except OSError as exc:
        if exc.filename is not None or exc.errno is None:
            raise
        why = exc.strerror or str(exc)
        raise UserError(f"web server at {where}:{number}", why, "choose another --port") from exc
