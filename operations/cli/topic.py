"""Commands for the topic."""

from __future__ import annotations

from typing import Annotated

import typer

from consumers.kafka_topics import describe_topic
from operations.cli.output import print_json, print_table, say
from operations.settings import load_settings
from operations.wiring import Ledger, ensure_topic, servers

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def create() -> None:
    """Create the topic as the settings say; one that exists is left as it is.

    Example: OMEGA_TOPIC_PARTITIONS=12 omega-images topic create
    """
    settings = load_settings()
    created = ensure_topic(Ledger(settings, servers(settings)))
    say(f"topic {settings.topic} {'created' if created else 'exists already'}")


@app.command()
def describe(
    json: Annotated[bool, typer.Option("--json", help="Print facts as JSON.")] = False,
) -> None:
    """Partitions, bounds and settings of the topic; exit code 1 when a setting is dangerous.

    Example: omega-images topic describe --json
    """
    settings = load_settings()
    found = describe_topic(servers(settings).kafka, settings.topic)
    state, deviations = found.state, found.deviations()
    partitions = [
        {"partition": number, "begin": state.begin[number], "end": end, "records": records}
        for number, end in sorted(state.end.items())
        for records in [end - state.begin[number]]
    ]
    if json:
        facts = {"topic": state.topic, "id": state.topic_id, "replication": found.replication}
        wrong = {name: {"is": actual, "should_be": to} for name, (actual, to) in deviations.items()}
        settings_now = {"settings": dict(found.settings), "deviations": wrong}
        print_json(facts | settings_now | {"partitions": partitions})
    else:
        say(f"topic {state.topic}, id {state.topic_id}, replication {found.replication}")
        print_table("", ("setting", "value"), list(found.settings.items()))
        lines = [tuple(line.values()) for line in partitions]
        print_table("", ("partition", "begin", "end", "records"), lines)
        for name, (actual, wanted) in deviations.items():
            say(f"{name} is {actual}, should be {wanted}: events can be lost or refused; set it so")
    if deviations:
        raise typer.Exit(1)
