"""The command `demo`: the whole system on real images, in its own corner."""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from operations.cli.errors import DID_NOT_HOLD, UserError
from operations.cli.output import console, say
from operations.demo.commands import CommandFailed, Commands
from operations.demo.place import AlreadyRunning, Place, place_under, servers_left_alone
from operations.demo.run import Demonstration
from operations.demo.screen import Screen
from operations.demo.serving import serve_place
from operations.publishing import open_sealer
from operations.settings import load_settings
from producers.kafka_publisher import KafkaPublisher
from producers.publisher import PublishError
from producers.sealing import SealingPublisher
from producers.storage import StorageError
from schemas.kafka_connection import KafkaConnection

PAGES_PORT = 8080
"""Where the demonstration's image URLs point, if nothing else is said."""

NEXT = (
    ("status", "what runs, and how far it has come"),
    ("images failed", "the failures, with their reasons"),
    ("images by-tool generateComic", "what one tool made"),
    ("images stats --json", "the five numbers"),
    ("rebuild table --dry-run", "what a rebuild would change: nothing"),
    ("consume table", "a worker of your own; Ctrl-C stops it"),
)


def demo(
    serve: Annotated[
        bool, typer.Option("--serve", help="Then serve its pages to this machine, until Ctrl-C.")
    ] = False,
    port: Annotated[int, typer.Option(help="For the pages.", min=1, max=65535)] = PAGES_PORT,
) -> None:
    """Play the whole system once: about 250 images, projected, dropped, rebuilt and compared.

    Always on the embedded servers, in a database and a topic of its own: servers that are
    configured are left alone, and so is whatever else the embedded ones hold.

    Examples: omega-images demo | omega-images demo --serve
    """
    began = time.monotonic()
    screen = Screen(console)
    for name in servers_left_alone():
        say(f"{name} is set; the demonstration leaves that server alone and uses embedded ones.")
    try:
        identical, place = _performed(screen, port)
    except AlreadyRunning as exc:
        what = "the demonstration cannot start"
        raise UserError(what, f"another one is running in {exc}", "wait for its end") from exc
    except (CommandFailed, PublishError, StorageError, TimeoutError) as exc:
        do = f"read the logs in {_short(load_settings().home / 'demo' / 'logs')}"
        raise UserError("the demonstration stopped", str(exc), do, DID_NOT_HOLD) from exc
    if not identical:
        what, why = "the rebuilt contents differ", "the digests before and after are not the same"
        raise UserError(what, why, f"look at {_short(place.home)}", DID_NOT_HOLD)
    say()
    say(f"Table and statistics are identical to before. {time.monotonic() - began:.0f} s in all.")
    if serve:
        _serve(place, port)
    else:
        _say_what_next(place)


def _serve(place: Place, port: int) -> None:
    def ready(address: str, token: str) -> None:
        say(f"\nLook at it: {address}")
        say(f"To redrive and the like, log in with the token {token}")
        say("Ctrl-C ends the pages; Kafka and PostgreSQL go on running.")

    try:
        serve_place(place, port, ready)
    except CommandFailed as exc:
        do = "read its log, or choose another --port"
        raise UserError("the pages", str(exc), do, DID_NOT_HOLD) from exc


def _performed(screen: Screen, port: int) -> tuple[bool, Place]:
    screen.title("A Kafka and a PostgreSQL of this folder's own")
    with ExitStack() as stack:
        with screen.step("servers running, an empty database and a new topic"):
            place = stack.enter_context(place_under(load_settings().home, datetime.now(UTC), port))
        commands = Commands(place.variables())
        with screen.step("tables and topic made"):
            commands.quietly("db", "migrate")
            commands.quietly("topic", "create")
        screen.say(f"topic {place.topic}")
        kafka = KafkaPublisher(KafkaConnection(place.bootstrap_servers), place.topic)
        publisher = SealingPublisher(kafka, open_sealer(place.database_url))
        stack.callback(publisher.close)
        return Demonstration(place, screen, publisher).perform(), place


def _say_what_next(place: Place) -> None:
    program = _short(Path(sys.argv[0])) if Path(sys.argv[0]).name == "omega-images" else ""
    say("\nThe servers go on running, and the demonstration's data stays. Try next:\n")
    say(f"  . {_short(place.env_file)}")
    for command, why in NEXT:
        say(f"  {program or 'omega-images'} {command:<30} # {why}")
    say(f"  {program or 'omega-images'} {'down':<30} # stop the servers")
    say(f"\nIts pages, at http://127.0.0.1:{place.port}/ : make demo-serve")


def _short(path: Path) -> str:
    """The path as one would type it here."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
