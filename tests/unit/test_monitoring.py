"""Alert rules, the dashboard and the page of metrics speak of metrics that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from consumers.metrics import Lag, WorkerMetrics
from producers.metrics import ProducerMetrics
from producers.spool import Spool
from web.metrics import WebMetrics

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "monitoring"
NAME = re.compile(r"\bomega_images_[a-z_]+")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def families(registry: CollectorRegistry) -> Iterable[Metric]:
    return list(registry.collect())


def exposed(family: Metric) -> set[str]:
    """The names under which Prometheus keeps it."""
    match family.type:
        case "counter":
            return {f"{family.name}_total"}
        case "info":
            return {f"{family.name}_info"}
        case "histogram":
            return {family.name} | {f"{family.name}_{end}" for end in ("bucket", "count", "sum")}
    return {family.name}


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> list[Metric]:
    worker = WorkerMetrics("stats", "topic", "owner")
    worker.watch_lag(lambda: {0: Lag(0, 0.0)})
    producer = ProducerMetrics(CollectorRegistry())
    spool = Spool(tmp_path_factory.mktemp("spool") / "spool.db")
    producer.watch_spool(spool)
    registries = (worker.registry, producer.registry, WebMetrics().registry)
    found = [family for registry in registries for family in families(registry)]
    spool.close()
    source = (ROOT / "web" / "ledger_metrics.py").read_text(encoding="utf-8")
    names = re.findall(r'_gauge\("(\w+)"', source)
    assert len(names) == 11
    return found + [Metric(f"omega_images_ledger_{name}", "", "gauge") for name in names]


@pytest.fixture(scope="module")
def known(metrics: list[Metric]) -> set[str]:
    return {name for family in metrics for name in exposed(family)}


def test_the_rules_speak_of_metrics_that_there_are(known: set[str]) -> None:
    text = (FOLDER / "alerts.yaml").read_text(encoding="utf-8")
    expressions = [r["expr"] for g in yaml.safe_load(text)["groups"] for r in g["rules"]]
    used = {name for expression in expressions for name in NAME.findall(expression)}
    assert used <= known, used - known


def test_every_rule_has_its_entry_in_the_runbook() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    anchors = {anchor(heading) for heading in HEADING.findall(text)}
    rules = yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))
    for rule in rules["groups"][0]["rules"]:
        page, _, place = rule["annotations"]["runbook"].partition("#")
        assert page == "docs/runbook.md"
        assert place in anchors, rule["alert"]


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    kept = re.sub(r"[^\w\- ]", "", heading.lower())
    return kept.replace(" ", "-")


def test_every_rule_has_a_test() -> None:
    rules = yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))
    tests = yaml.safe_load((FOLDER / "alerts.test.yaml").read_text(encoding="utf-8"))
    named = {rule["alert"] for rule in rules["groups"][0]["rules"]}
    fired = {
        check["alertname"]
        for test in tests["tests"]
        for check in test["alert_rule_test"]
        if check["exp_alerts"]
    }
    assert named == fired


def test_promtool_finds_nothing_and_the_rules_do_what_they_should() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian's package prometheus has it)")
    for arguments in (("check", "rules", "alerts.yaml"), ("test", "rules", "alerts.test.yaml")):
        ran = subprocess.run(
            [promtool, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_dashboard_speaks_of_metrics_that_there_are(known: set[str]) -> None:
    dashboard = json.loads((FOLDER / "grafana.json").read_text(encoding="utf-8"))
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    used = {n for p in panels for t in p["targets"] for n in NAME.findall(t["expr"])}
    assert used <= known, used - known
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_the_page_lists_every_metric_and_its_labels(metrics: list[Metric]) -> None:
    text = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(omega_images_\w+)` \| ([\w, ]*) ?\|", text, re.MULTILINE)
    listed = {
        name: {label for label in labels.replace(" ", "").split(",") if label}
        for name, labels in rows
    }
    names = {min(exposed(family), key=len) for family in metrics}
    assert listed.keys() == names
    for family in metrics:
        for sample in family.samples:
            labels = sample.labels.keys() - {"le"}
            assert labels <= listed[min(exposed(family), key=len)], family.name
