"""Whether a command line could be run: its command exists and takes these arguments."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, cast

import typer

from operations.main import COMMANDS

UsageError = cast("type[Exception]", typer.BadParameter.__mro__[1])
"""Of the click that typer carries, which is not the one that may be installed beside it."""


def command_of(name: str) -> Any:
    """A command of the table in operations/main.py. Raises KeyError."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    found = getattr(import_module(module), attribute)
    if isinstance(found, typer.Typer):
        return typer.main.get_command(found)
    app = typer.Typer()
    app.command(name)(found)
    return typer.main.get_command(app)


def parses(words: Sequence[str]) -> bool:
    """Whether ``omega-images WORDS`` is understood. Runs nothing."""
    if words[0] not in COMMANDS:
        return False
    command, arguments = command_of(words[0]), list(words[1:])
    while subcommands := getattr(command, "commands", None):
        if not arguments or arguments[0] not in subcommands:
            return False
        command = subcommands[arguments.pop(0)]
    try:
        command.make_context(words[0], arguments)
    except UsageError:
        return False
    return True


def exists(words: Sequence[str]) -> bool:
    """Whether the words name a command or a group of them, whatever arguments it wants."""
    if words[0] not in COMMANDS:
        return False
    command = command_of(words[0])
    for word in words[1:]:
        subcommands = getattr(command, "commands", None)
        if subcommands is None:
            return True
        if word not in subcommands:
            return False
        command = subcommands[word]
    return True
