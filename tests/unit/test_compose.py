"""compose.yaml and the Dockerfile, as far as they can be judged without an engine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.commands import parses
from tests.support.web import TABLE

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("topic", "migrations", "table-worker", "stats-worker", "web", "cli")
REQUIRED_TOKENS = re.compile(r"\$\{OMEGA_API_TOKENS:\?[^}]+\}")
REQUIRED_PASSWORD = re.compile(r"\$\{OMEGA_DB_PASSWORD:\?[^}]+\}")


def strings(node: Any, path: str = "") -> list[tuple[str, str]]:
    """Every text of the file with the path to it."""
    if isinstance(node, dict):
        return [found for key, value in node.items() for found in strings(value, f"{path}/{key}")]
    if isinstance(node, list):
        return [found for value in node for found in strings(value, path)]
    return [(path, str(node))]


def test_the_services_that_a_pipeline_needs_are_there() -> None:
    assert set(SERVICES) == {"kafka", "postgres", *OURS}
    assert SERVICES["kafka"]["environment"]["KAFKA_PROCESS_ROLES"] == "broker,controller"
    assert set(COMPOSE["volumes"]) == {"kafka-data", "postgres-data", "web-data"}
    for name in ("kafka", "postgres", "web"):
        assert any(volume.startswith(f"{name}-data:") for volume in SERVICES[name]["volumes"])


@pytest.mark.parametrize("name", ["table-worker", "stats-worker"])
def test_each_projection_has_two_workers_or_more(name: str) -> None:
    replicas = SERVICES[name]["deploy"]["replicas"]
    default = re.fullmatch(r"\$\{OMEGA_\w+_WORKERS:-(\d+)\}", replicas)
    assert default is not None
    assert int(default[1]) >= 2
    assert "ports" not in SERVICES[name]
    assert "container_name" not in SERVICES[name]


def test_workers_wait_for_topic_and_migrations_and_are_watched_by_their_own_health() -> None:
    for name in ("table-worker", "stats-worker", "web"):
        worker = SERVICES[name]
        for before in ("topic", "migrations"):
            assert worker["depends_on"][before]["condition"] == "service_completed_successfully"
        port = worker["environment"]["OMEGA_HTTP_PORT"]
        assert f"127.0.0.1:{port}/healthz" in worker["healthcheck"]["test"][-1]
        compile(worker["healthcheck"]["test"][-1], "healthcheck", "exec")
        assert worker["restart"] == "unless-stopped"
    for name, server in (("topic", "kafka"), ("migrations", "postgres")):
        assert SERVICES[name]["depends_on"][server]["condition"] == "service_healthy"
        assert "healthcheck" in SERVICES[server]


def test_no_password_has_a_default_or_a_literal() -> None:
    for path, text in strings(COMPOSE):
        if "PASSWORD" in path:
            assert REQUIRED_PASSWORD.fullmatch(text), path
        if "TOKEN" in path:
            assert REQUIRED_TOKENS.fullmatch(text), path
        assert not re.search(r"://[^/@\s]+:[^/@\s]+@", text), path
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert re.search(r"^OMEGA_DB_PASSWORD=$", example, re.MULTILINE)
    assert re.search(r"^OMEGA_API_TOKENS=$", example, re.MULTILINE)
    assert ".env\n" in (ROOT / ".gitignore").read_text(encoding="utf-8")


def test_every_variable_that_compose_reads_is_in_the_example() -> None:
    used = {name for _, text in strings(COMPOSE) for name in re.findall(r"\$\{(\w+)", text)}
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert used == set(re.findall(r"^(\w+)=", example, re.MULTILINE))


def test_the_web_server_keeps_what_it_must_and_is_asked_for_by_names_it_knows() -> None:
    web, dockerfile = SERVICES["web"], (ROOT / "Dockerfile").read_text(encoding="utf-8")
    environment = web["environment"]
    assert environment.items() >= COMPOSE["x-omega"]["environment"].items()
    assert web["volumes"] == [f"web-data:{environment['OMEGA_HOME']}"]
    # The folder is the user's own in the image, and so is a new volume over it.
    assert f"--home-dir {environment['OMEGA_HOME']} --create-home" in dockerfile
    (port,) = web["ports"]
    assert port.endswith(f":{environment['OMEGA_HTTP_PORT']}")
    assert f"EXPOSE {environment['OMEGA_HTTP_PORT']}\n" in dockerfile
    assert "OMEGA_HTTP_OPEN_READING" not in environment
    assert (
        environment["OMEGA_STORAGE_BASE_URL"] == f"{environment['OMEGA_HTTP_PUBLIC_URL']}/uploads"
    )


def test_servers_are_reached_from_this_machine_only() -> None:
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), name


def test_our_containers_have_no_more_rights_than_they_need() -> None:
    for name in OURS:
        service = SERVICES[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_the_image_is_built_in_stages_from_the_lock_and_runs_as_nobody_special() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    stages = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert stages == ["${PYTHON_IMAGE}"] * 2
    assert "--require-hashes --no-deps --requirement requirements.runtime.lock" in text
    last = text.rpartition("\nFROM ")[2]
    assert re.search(r"^USER (\d+):\1$", last, re.MULTILINE)
    assert "pip install" not in last
    copied = set(re.findall(r"^COPY (\w+) \1$", text, re.MULTILINE))
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line[0] == "!"}
    assert {"schemas", "producers", "projections", "consumers", "web", "operations"} == copied
    assert copied | {"pyproject.toml", "README.md", "requirements.runtime.lock"} == let_in


def test_docker_itself_accepts_the_file(tmp_path: Path) -> None:
    docker = shutil.which("docker") or "no docker"
    environment = {name: value for name, value in os.environ.items() if "OMEGA" not in name}

    def compose(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [
            docker,
            "compose",
            "--env-file",
            os.devnull,
            "--file",
            str(ROOT / "compose.yaml"),
        ]
        return subprocess.run(
            [*command, *arguments],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    if docker == "no docker" or compose("version").returncode:
        pytest.skip("the docker client with its compose plugin is not installed")
    refused = compose("config", "--quiet")
    assert refused.returncode != 0
    assert "write a password into .env" in refused.stderr
    environment["OMEGA_DB_PASSWORD"] = "p:w/d@ #%"
    environment["OMEGA_API_TOKENS"] = TABLE
    accepted = compose("config", "--quiet")
    assert accepted.returncode == 0, accepted.stderr


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_that_the_program_has(name: str) -> None:
    command = SERVICES[name]["command"]
    assert parses(command)
    assert not parses([*command, "surplus"])
