"""The console script: a table of commands, each imported only when it is called."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

PROGRAM = "omega-images"

COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("operations.cli.stack:up", "Start the embedded Kafka and PostgreSQL."),
    "down": ("operations.cli.stack:down", "Stop them; their data stays."),
    "status": ("operations.cli.stack:status", "What runs, positions and lag."),
    "doctor": ("operations.cli.doctor:doctor", "What is wrong, and how to mend it."),
    "env": ("operations.cli.stack:env", "The servers in use, as KEY=value lines for eval."),
    "topic": ("operations.cli.topic:app", "Create or describe the topic of the events."),
    "db": ("operations.cli.db:app", "Create, adopt, upgrade or verify the tables."),
    "consume": ("operations.cli.consume:consume", "Run a worker of the table or the statistics."),
    "tool": ("operations.cli.tool:app", "List and run the tools that make images."),
    "emit": ("operations.cli.emit:emit", "Publish CloudEvents from a file of JSON lines."),
    "spool": ("operations.cli.spool:app", "Events that wait for Kafka: look, deliver."),
    "images": ("operations.cli.images:app", "Look at images and numbers."),
    "rebuild": ("operations.cli.rebuild:rebuild", "Build table or statistics anew from the log."),
    "replay": ("operations.cli.replay:replay", "Make some requests' rows anew from the log."),
    "explain": ("operations.cli.explain:explain", "Why a row is what it is."),
    "reconcile": (
        "operations.cli.reconcile:reconcile",
        "Compare table and statistics with the log; mend them.",
    ),
    "dead-letters": (
        "operations.cli.dead_letters:app",
        "Records set aside: look, redrive, discard.",
    ),
    "backfill": (
        "operations.cli.backfill:backfill",
        "Make events of an existing table's rows.",
    ),
    "transfer": (
        "operations.cli.transfer:transfer",
        "Move what the fallback took to its provider.",
    ),
    "audit": (
        "operations.cli.audit:audit",
        "Events, rows and bytes compared; code that does not tell.",
    ),
    "cleanup": ("operations.cli.cleanup:cleanup", "Remove old images, as a policy says."),
    "erase": ("operations.cli.erase:erase", "Everything of a user, for good."),
    "serve": ("operations.cli.serve:serve", "Serve pages, read API and event ingest."),
    "demo": ("operations.cli.demo:demo", "The main job on the embedded stack, with real images."),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command. Exits 0 when done, 1 when something did not hold, 2 on wrong use."""
    name, *rest = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if name in ("-h", "--help"):
        sys.stdout.write(usage())
    elif name == "--version":
        sys.stdout.write(f"{PROGRAM} {version(PROGRAM)}\n")
    elif name in COMMANDS:
        _run(name, rest)
    else:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"`{PROGRAM} --help` lists them"
        sys.stderr.write(f"{PROGRAM}: {name!r} is no command: {hint}\n")
        sys.exit(2)


def usage() -> str:
    """The help, for which no command has to be loaded."""
    lines = [f"  {name:<13} {text}" for name, (_, text) in COMMANDS.items()]
    return "\n".join(
        (
            f"Usage: {PROGRAM} COMMAND [OPTIONS]",
            "",
            "The image ledger: events in Kafka, tables in PostgreSQL. Begin with",
            f"`{PROGRAM} demo`; each command has --help with examples.",
            "",
            "Commands:",
            *lines,
            "",
        )
    )


def _run(name: str, arguments: Sequence[str]) -> None:
    import logging

    from operations.cli.errors import reported
    from operations.garbage import look_seldom

    look_seldom()
    # Else, where a command does not configure logs, what libraries say would stand on stderr.
    logging.getLogger().addHandler(logging.NullHandler())
    with reported():
        app = _app(name)
        code = app(args=list(arguments), prog_name=f"{PROGRAM} {name}", standalone_mode=False)
    if code:
        sys.exit(code)


def _app(name: str) -> typer.Typer:
    """The command's app; a function becomes an app of one command."""
    import typer

    module, _, attribute = COMMANDS[name][0].partition(":")
    found = getattr(import_module(module), attribute)
    if isinstance(found, typer.Typer):
        return found
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(name)(found)
    return app


if __name__ == "__main__":
    main()
