"""The embedded Kafka's first start."""

from __future__ import annotations

import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest

from operations.embedded import kafka
from operations.embedded.errors import StackError

FIXED = uuid.UUID(bytes=b"\xf8" * 16)


def test_no_cluster_id_is_taken_for_an_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Base64 for URLs begins with a dash once in 64 times."""
    asked: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(uuid, "uuid4", lambda: FIXED)
    monkeypatch.setattr(kafka.Kafka, "_java", lambda *_: ["java"])
    kafka.Kafka(tmp_path, shared=tmp_path)._format()
    cluster = asked[0][asked[0].index("-t") + 1]
    assert len(cluster) == 22
    assert not cluster.startswith("-")


def test_a_storage_that_cannot_be_made_names_the_reason_and_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "usage\nno room on the disk\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    monkeypatch.setattr(kafka.Kafka, "_java", lambda *_: ["java"])
    with pytest.raises(StackError, match=r"no room on the disk: read .*kafka\.log"):
        kafka.Kafka(tmp_path, shared=tmp_path)._format()
