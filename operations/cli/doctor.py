"""The command that looks for what is wrong."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from operations.cli.errors import DID_NOT_HOLD
from operations.cli.output import print_json, print_table, say
from operations.doctor import Verdict, examine
from operations.settings import load_settings


def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print facts as JSON.")] = False,
) -> None:
    """What is wrong, and how to mend it. Starts and changes nothing; exit code 1 when it is bad.

    Looks at the machine, the servers, the topic, the tables, the positions and the dead letters.

    Examples: omega-images doctor | omega-images doctor --json
    """
    findings = list(examine(load_settings()))
    bad = [finding for finding in findings if finding.verdict is Verdict.BAD]
    if json:
        print_json({"holds": not bad, "findings": [asdict(finding) for finding in findings]})
    else:
        rows = [
            (finding.verdict.value, finding.what, f"{finding.detail}{_mending(finding.mend)}")
            for finding in findings
        ]
        print_table("", ("", "what", "found"), rows)
        say(f"{len(bad)} things are wrong" if bad else "nothing is wrong")
    if bad:
        raise typer.Exit(DID_NOT_HOLD)


def _mending(mend: str) -> str:
    return f"\n→ {mend}" if mend else ""
