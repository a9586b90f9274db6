"""The command that runs a worker."""

from __future__ import annotations

from typing import Annotated

import typer

from operations.cli.errors import UserError
from operations.cli.names import Name
from operations.logs import configure_logs
from operations.settings import load_settings
from operations.wiring import open_ledger
from operations.workers import WorkerOptions, run_worker


def consume(
    projection: Annotated[Name, typer.Argument(help="The image table, or the statistics.")],
    health_host: Annotated[str | None, typer.Option(help="Default: OMEGA_HTTP_HOST.")] = None,
    health_port: Annotated[
        int | None,
        typer.Option(help="0: any free port. Default: OMEGA_HTTP_PORT.", min=0, max=65535),
    ] = None,
    max_batch: Annotated[
        int, typer.Option(help="Records in one transaction, at most.", min=1, max=50_000)
    ] = 8_000,
    instance_id: Annotated[
        str | None,
        typer.Option(help="Static membership: a restart under this name moves no partitions."),
    ] = None,
) -> None:
    """Run a worker until SIGTERM or Ctrl-C, which finish the batch in flight.

    Start as many as there are partitions, at most; they share the partitions among themselves.
    /healthz, /readyz and /metrics are served while it runs; the port stands in the log.

    Examples: omega-images consume table | omega-images consume stats --health-port 8081
    """
    configure_logs()
    settings = load_settings()
    options = WorkerOptions(
        health_host=settings.http_host if health_host is None else health_host,
        health_port=settings.http_port if health_port is None else health_port,
        batch_records=max_batch,
        instance_id=instance_id,
    )
    try:
        run_worker(open_ledger(settings), projection.value, options)
    except OSError as exc:
        if exc.filename is not None or exc.errno is None:
            raise
        where = f"{options.health_host}:{options.health_port}"
        raise UserError(
            f"health server at {where}", exc.strerror or str(exc), "choose another --health-port"
        ) from exc
