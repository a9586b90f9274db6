"""Commands for the embedded stack: up, down, status, env."""

from __future__ import annotations

import shlex
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import typer

from operations.cli.output import print_json, print_table, say
from operations.embedded.stack import Stack
from operations.settings import Settings, load_settings, without_password

Json = Annotated[bool, typer.Option("--json", help="Print facts as JSON.")]


def up() -> None:
    """Start the embedded Kafka and PostgreSQL, or find them running.

    Example: omega-images up
    """
    began, settings = time.monotonic(), load_settings()
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(_start, settings)
        # Takes as long as PostgreSQL does, and meanwhile the servers start.
        from operations.wiring import open_ledger

        starting.result()
    ledger = open_ledger(settings)
    embedded = " and ".join(ledger.servers.embedded) or "nothing: both servers are configured"
    say(f"embedded: {embedded} ({time.monotonic() - began:.1f} s)")
    say(f"Kafka      {ledger.servers.kafka.bootstrap_servers}  topic {ledger.topic}")
    say(f"PostgreSQL {without_password(ledger.servers.database_url)}")


def down() -> None:
    """Stop the embedded servers; their data stays where it is.

    Example: omega-images down
    """
    stopped = Stack(load_settings().home).down()
    say(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")


def env() -> None:
    """Print the servers in use as KEY=value lines; starts the embedded ones if need be.

    Example: eval "$(omega-images env)"
    """
    from operations.wiring import servers

    settings = load_settings()
    found = servers(settings)
    for key, value in (
        ("OMEGA_KAFKA_BOOTSTRAP_SERVERS", found.kafka.bootstrap_servers),
        ("OMEGA_DATABASE_URL", found.database_url),
        ("OMEGA_TOPIC", settings.topic),
    ):
        say(f"export {key}={shlex.quote(value)}")


def status(json: Json = False) -> None:
    """What runs, and how far each projection is behind. Starts nothing.

    Examples: omega-images status | omega-images status --json
    """
    settings = load_settings()
    facts: dict[str, Any] = {"servers": _servers(settings)}
    if all(server["running"] for server in facts["servers"]):
        from operations.lag import lag_of
        from operations.wiring import Ledger, servers

        facts["projections"] = lag_of(Ledger(settings, servers(settings)))
    if json:
        print_json(facts)
        return
    print_table(
        "Servers",
        ("server", "where", "embedded", "running"),
        [tuple(server.values()) for server in facts["servers"]],
    )
    for projection in facts.get("projections", []):
        print_table(
            f"{projection['projection']}: {projection['lag_records']} records behind, "
            f"{projection['lag_seconds']:.1f} s, {projection['dead_letters']} dead letters",
            ("partition", "next offset", "end", "lag"),
            [tuple(line.values()) for line in projection["partitions"]],
        )


def _start(settings: Settings) -> None:
    if settings.kafka_bootstrap_servers is None or settings.database_url is None:
        Stack(settings.home).up(_migrate if settings.database_url is None else lambda _: None)


def _migrate(database_url: str) -> None:
    from projections import migrate

    migrate.upgrade(database_url)


def _servers(settings: Settings) -> list[dict[str, Any]]:
    running = Stack(settings.home).running()
    url = settings.database_url.get_secret_value() if settings.database_url else None
    places = {
        "Kafka": (settings.kafka_bootstrap_servers, running and running.bootstrap_servers),
        "PostgreSQL": (url, running and running.database_url),
    }
    return [
        {
            "server": name,
            "where": without_password(found) if (found := own or embedded) else None,
            "embedded": own is None,
            "running": found is not None,
        }
        for name, (own, embedded) in places.items()
    ]
