"""Commands for the tables."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from operations.cli.output import print_json, say
from operations.settings import load_settings
from operations.wiring import servers
from projections import migrate as migrations
from projections import schema_check

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


class Duplicates(StrEnum):
    """What to do when one request_id stands in several rows of an existing table."""

    REFUSE = "refuse"
    KEEP_FIRST = "keep-first"


class LongUrls(StrEnum):
    """What to do with URLs of an existing table that its index cannot hold."""

    REFUSE = "refuse"
    SET_ASIDE = "set-aside"


@app.command()
def migrate(
    duplicates: Annotated[
        Duplicates,
        typer.Option(
            help="Several rows of one request_id: stop and name them, or set all but the first "
            "one's request_id to NULL and keep what it was in a table."
        ),
    ] = Duplicates.REFUSE,
    long_urls: Annotated[
        LongUrls,
        typer.Option(
            help="A storage_url too long for its index, as data: URLs are: stop and name the rows, "
            "or empty it and keep what it was in a table, which backfill reads."
        ),
    ] = LongUrls.REFUSE,
) -> None:
    """Create the tables, adopt an existing generated_images, or bring them up to date.

    No row is ever dropped. Example: omega-images db migrate
    """
    url = servers(load_settings()).database_url
    report = migrations.upgrade(url, duplicates=duplicates.value, long_urls=long_urls.value)
    if report.before == report.after:
        say(f"the tables are up to date (revision {report.after})")
    else:
        say(f"migrated from {report.before or 'nothing'} to revision {report.after}")


@app.command()
def verify(
    json: Annotated[bool, typer.Option("--json", help="Print facts as JSON.")] = False,
) -> None:
    """Compare the live schema with the expected one; exit code 1 when they differ.

    Example: omega-images db verify
    """
    differences = schema_check.verify(servers(load_settings()).database_url)
    if json:
        print_json({"holds": not differences, "differences": differences})
    else:
        for line in differences or ["the schema is as expected"]:
            say(line)
    if differences:
        raise typer.Exit(1)
