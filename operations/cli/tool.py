"""Commands that list and run the tools."""

from __future__ import annotations

import json as json_text
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from operations.cli.errors import DID_NOT_HOLD, WRONG_USE, UserError
from operations.cli.output import print_json, print_table, say
from operations.settings import load_settings
from operations.tooling import open_tools
from operations.wiring import open_ledger
from producers.pictures import Tracked
from producers.publisher import Acknowledgement
from producers.storage import StorageError
from producers.tools import TOOLS, Tool, ToolError
from producers.tools.errors import BadParameters
from producers.tools.flow import MAX_IMAGES
from schemas.errors import InvalidEvent
from schemas.events import uuid7

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Json = Annotated[bool, typer.Option("--json", help="Print facts as JSON.")]


@app.command("list")
def list_tools(json: Json = False) -> None:
    """The tools, with what each can be told.

    Examples: omega-images tool list | omega-images tool list --json
    """
    if json:
        print_json(
            [
                {
                    "name": tool.name,
                    "summary": tool.summary,
                    "parameters": tool.parameters.model_json_schema(),
                }
                for tool in TOOLS.values()
            ]
        )
        return
    rows = [
        (tool.name, ", ".join(tool.parameters.model_fields), tool.summary)
        for tool in TOOLS.values()
    ]
    print_table("", ("tool", "parameters", "what it makes"), rows)


@app.command()
def run(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A tool's name; see `tool list`.")],
    user: Annotated[str, typer.Option(help="The id of who asks.")],
    prompt: Annotated[str, typer.Option(help="What is asked for.")],
    param: Annotated[
        list[str] | None,
        typer.Option(metavar="K=V", help="A parameter; V is JSON or text, or @FILE of JSON."),
    ] = None,
    n: Annotated[int, typer.Option(help="So many images.", min=1, max=MAX_IMAGES)] = 1,
    username: Annotated[str | None, typer.Option(help="The name of who asks.")] = None,
    image: Annotated[
        list[str] | None,
        typer.Option(metavar="REQUEST_ID", help="An earlier image to edit; repeat it for several."),
    ] = None,
    file: Annotated[
        list[Path] | None, typer.Option(help="An image file to edit; repeat it for several.")
    ] = None,
    request_id: Annotated[
        str | None, typer.Option(help="The request's id, to try one again; else a new one.")
    ] = None,
    json: Json = False,
) -> None:
    """Run a tool: draw, store, and tell the log; a failure is told as well, and exits with 1.

    Examples: omega-images tool run generateIconEmoji --user 123 --prompt "A red heart" |
    omega-images tool run imageEditor --user 123 --prompt "Turn it" --image REQUEST_ID
    --param 'operations=[{"op": "rotate", "degrees": 90}]' |
    omega-images tool run renderChart --user 123 --prompt "Sales" --param config=@chart.json
    """
    tool = _tool(name)
    asked: dict[str, Any] = {
        "user": user,
        "prompt": prompt,
        "parameters": _parameters(tool, param or [], image or []),
        "n": n,
        "files": [_bytes_of(path) for path in file or []],
        "request_id": request_id or str(uuid7()),
    }
    if username is not None:
        asked["username"] = username
    settings = load_settings()
    try:
        with open_tools(settings, open_ledger(settings)) as tools:
            made = tools.run(name, **asked)
    except InvalidEvent as exc:
        raise UserError(f"tool {name}", str(exc), "nothing was recorded") from exc
    except (ToolError, StorageError) as exc:
        _tell_failure(name, asked["request_id"], exc, json=json)
    _show(name, made, json=json)


def _tool(name: str) -> Tool:
    if name not in TOOLS:
        raise UserError(f"tool {name}", "there is no such tool", "`tool list` shows them")
    return TOOLS[name]


def _parameters(tool: Tool, words: Sequence[str], images: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or not key:
            raise UserError(f"--param {word}", "is not K=V", "write a name, =, and a value")
        found[key] = _value(key, value)
    if images:
        fields = tool.parameters.model_fields
        field = next((name for name in ("images", "image") if name in fields), None)
        if field is None:
            raise UserError("--image", f"{tool.name} starts from no image", "leave it out")
        if field == "image" and len(images) > 1:
            raise UserError("--image", f"{tool.name} edits one image", "give one")
        found[field] = list(images) if field == "images" else images[0]
    return found


def _value(key: str, text: str) -> Any:
    """JSON where it is some; text as it is; of ``@FILE`` what stands in the file."""
    if text.startswith("@"):
        try:
            return json_text.loads(Path(text[1:]).read_text(encoding="utf-8"))
        except ValueError as exc:
            raise UserError(f"--param {key}", f"{text[1:]} is not JSON: {exc}", "mend it") from exc
    try:
        return json_text.loads(text)
    except ValueError:
        return text


def _bytes_of(path: Path) -> bytes:
    return path.read_bytes()


def _tell_failure(name: str, request_id: str, exc: Exception, *, json: bool) -> NoReturn:
    code = getattr(exc, "error_code", type(exc).__name__)
    exit_code = WRONG_USE if isinstance(exc, BadParameters) else DID_NOT_HOLD
    if json:
        print_json(
            {
                "tool": name,
                "status": "failed",
                "request_id": request_id,
                "error_code": code,
                "error": str(exc),
            }
        )
        raise typer.Exit(exit_code)
    do = f"recorded as {code} of request {request_id}"
    raise UserError(f"tool {name}", str(exc), do, exit_code) from exc


def _show(name: str, made: Tracked, *, json: bool) -> None:
    images = [
        {
            "request_id": image.request_id,
            "url": image.stored.url,
            "provider": image.stored.provider,
            "bytes": image.stored.bytes,
            "sha256": image.stored.sha256,
            "id": image.receipt.row_id if isinstance(image.receipt, Acknowledgement) else None,
        }
        for image in made.images
    ]
    if json:
        print_json(
            {"tool": name, "status": "success", "request_id": made.request_id, "images": images}
        )
        return
    for image in images:
        row = f"row {image['id']}" if image["id"] is not None else "told when Kafka is back"
        say(f"{image['request_id']}: {image['bytes']:,} bytes, {row}")
        say(f"  {image['url']}")
