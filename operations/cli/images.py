"""Commands that look at images and numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any

import typer

from operations.cli.errors import DID_NOT_HOLD, UserError
from operations.cli.output import print_json, print_table, say
from operations.settings import load_settings
from operations.wiring import servers
from projections import images
from projections.connections import Connection, connector
from projections.image_search import list_page
from projections.images import GeneratedImageRecord
from projections.statistics_reads import Dimension, read_breakdown, read_numbers

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Json = Annotated[bool, typer.Option("--json", help="Print facts as JSON.")]
Limit = Annotated[int, typer.Option(help="How many.", min=1, max=images.MAX_LIMIT)]
Offset = Annotated[int, typer.Option(help="How many of the newest to pass over.", min=0)]
Cursor = Annotated[
    str | None, typer.Option(help="Go on where a page ended; as fast at page 10,000 as at page 1.")
]
Records = Sequence[GeneratedImageRecord]


@contextmanager
def database() -> Iterator[Connection[Any]]:
    """A connection; a wrong cursor becomes one line."""
    url = servers(load_settings()).database_url
    try:
        with connector(url, "omega-images")() as connection:
            yield connection
    except ValueError as exc:
        raise UserError("images", str(exc), "see --help") from exc


@app.command("list")
def list_images(
    limit: Limit = 20, offset: Offset = 0, cursor: Cursor = None, json: Json = False
) -> None:
    """The newest images.

    Examples: omega-images images list --limit 5 | omega-images images list --json
    """
    if offset and cursor:
        raise UserError("images list", "--offset and --cursor do not go together", "give one")
    if offset:
        _list(lambda c: images.list_generated_images(c, limit, offset), json)
        return
    with database() as connection:
        page = list_page(connection, cursor=cursor, limit=limit)
    if json:
        found = [asdict(image) for image in page.images]
        print_json({"images": found, "next_cursor": page.next_cursor})
        return
    _show(page.images)
    if page.next_cursor:
        say(f"more: --cursor {page.next_cursor}")


@app.command()
def get(
    image_id: Annotated[str, typer.Argument(metavar="ID", help="An id, or a request id.")],
    json: Json = False,
) -> None:
    """One image, whole; exit code 1 where there is none.

    Example: omega-images images get 4294967296
    """
    with database() as connection:
        found = None
        if image_id.isdecimal() and len(image_id) < 20 and int(image_id) < 2**63:
            found = images.get_generated_image(connection, int(image_id))
        found = found or images.get_image_of_request(connection, image_id)
    if found is None:
        why = "there is no image of this id or request"
        raise UserError(f"image {image_id}", why, "`images list` shows some", DID_NOT_HOLD)
    if json:
        print_json(asdict(found))
    else:
        print_table("", ("column", "value"), list(asdict(found).items()))


@app.command()
def count(json: Json = False) -> None:
    """How many rows there are.

    Example: omega-images images count
    """
    with database() as connection:
        number = images.get_generated_image_count(connection)
    if json:
        print_json({"count": number})
    else:
        say(str(number))


@app.command()
def failed(limit: Limit = 20, offset: Offset = 0, json: Json = False) -> None:
    """The newest failures.

    Example: omega-images images failed --json
    """
    _list(lambda c: images.list_failed_generated_images(c, limit, offset), json)


@app.command("by-user")
def by_user(user: str, limit: Limit = 20, offset: Offset = 0, json: Json = False) -> None:
    """A user's newest images.

    Example: omega-images images by-user 123
    """
    _list(lambda c: images.list_generated_images_by_user(c, user, limit, offset), json)


@app.command("by-tool")
def by_tool(tool: str, limit: Limit = 20, offset: Offset = 0, json: Json = False) -> None:
    """A tool's newest images.

    Example: omega-images images by-tool generateComic
    """
    _list(lambda c: images.list_generated_images_by_tool(c, tool, limit, offset), json)


@app.command()
def stats(
    by: Annotated[Dimension | None, typer.Option(help="Break the numbers down.")] = None,
    limit: Annotated[int, typer.Option(help="Values of a breakdown.", min=1)] = 20,
    json: Json = False,
) -> None:
    """The five numbers of the document, from the statistics: no scan, exact at every commit.

    Examples: omega-images images stats --json | omega-images images stats --by tool
    """
    with database() as connection:
        if by is None:
            numbers = read_numbers(connection)._asdict()
            if json:
                print_json(numbers)
            else:
                print_table("", tuple(numbers), [tuple(numbers.values())])
            return
        entries = read_breakdown(connection, by, limit)
    if json:
        print_json([{by.value: e.value, "label": e.label, **e.numbers._asdict()} for e in entries])
        return
    rows = [(entry.label or entry.value, *entry.numbers) for entry in entries]
    columns = (by.value, "total", "users", "successful", "failed", "average size")
    print_table("", columns, rows)


def _list(read: Callable[[Connection[Any]], Records], json: bool) -> None:
    with database() as connection:
        found = read(connection)
    if json:
        print_json([asdict(image) for image in found])
    else:
        _show(found)


def _show(found: Records) -> None:
    columns = ("id", "created", "user", "tool", "status", "provider", "bytes", "prompt or error")
    rows = [
        (
            image.id,
            image.created_at,
            image.username or image.user_id,
            image.tool_name,
            image.status,
            image.storage_provider,
            image.bytes,
            (image.error or image.prompt)[:80],
        )
        for image in found
    ]
    print_table("", columns, rows)
