"""The image service, with a worker beside it: saved, waited for, read back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection
from pydantic import ValidationError

from operations.service import ImageService
from operations.wiring import Ledger
from producers.publisher import PublishRefused
from projections.read_your_writes import ReadTimeout
from tests.integration.test_rebuild import ledger
from tests.support.processes import WorkerProcess
from tests.support.waiting import eventually

__all__ = ["ledger"]

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

MADE: dict[str, Any] = {
    "user_id": "123",
    "tool_name": "generateComic",
    "prompt": "An orange cat",
    "storage_url": "https://x.test/cat.png",
    "storage_provider": "github",
}


@pytest.fixture
def service(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[ImageService]:
    monkeypatch.setenv("OMEGA_SPOOL_PATH", str(tmp_path / "spool.db"))
    monkeypatch.setenv("OMEGA_KAFKA_BOOTSTRAP_SERVERS", ledger.servers.kafka.bootstrap_servers)
    monkeypatch.setenv("OMEGA_DATABASE_URL", ledger.servers.database_url)
    monkeypatch.setenv("OMEGA_TOPIC", ledger.topic)
    with ImageService.from_environment() as made:
        yield made


@pytest.fixture
def worker(ledger: Ledger, service: ImageService, tmp_path: Path) -> Iterator[WorkerProcess]:
    with WorkerProcess("table", {}, tmp_path / "worker.log") as process:
        yield process


@pytest.mark.usefixtures("worker")
def test_what_is_saved_is_read_back_by_each_of_the_eight(service: ImageService) -> None:
    saved = service.save_generated_image(
        **MADE, bytes=7, tags=["portrait"], metadata={"k": [1]}, request_id="r-1", wait=30
    )
    record = saved.record
    assert record is not None
    assert record.id == saved.acknowledgement.row_id
    assert (record.request_id, record.bytes, record.tags) == ("r-1", 7, ["portrait"])
    assert (record.status, record.metadata, record.n) == ("success", {"k": [1]}, 1)
    failed = service.save_generated_image(
        user_id="9", tool_name="renderChart", prompt="p", status="failed", error="no", wait=10
    ).record
    assert failed is not None
    assert (failed.status, failed.error, failed.storage_url) == ("failed", "no", "")
    assert service.get_generated_image(record.id) == record
    assert service.get_generated_image_metadata(record.id) == record
    assert service.get_generated_image_count() == 2
    assert {image.id for image in service.list_generated_images()} == {record.id, failed.id}
    assert service.list_generated_images_by_user("123") == [record]
    assert service.list_generated_images_by_tool("renderChart") == [failed]
    assert service.list_failed_generated_images() == [failed]


@pytest.mark.usefixtures("worker")
def test_without_waiting_the_row_comes_under_the_id_that_was_told(service: ImageService) -> None:
    acknowledgement = service.save_generated_image(**MADE).acknowledgement
    row = eventually(lambda: service.get_generated_image(acknowledgement.row_id), timeout_s=30)
    assert row is not None
    assert row.request_id == acknowledgement.request_id


@pytest.mark.usefixtures("worker")
def test_saving_a_request_again_changes_nothing(service: ImageService) -> None:
    first = service.save_generated_image(**MADE, request_id="r", wait=30).record
    again = service.save_generated_image(**MADE, request_id="r", wait=10).record
    assert first == again


def test_without_a_worker_the_wait_ends_and_the_event_is_safe(
    service: ImageService, ledger: Ledger, connection: Connection[Any]
) -> None:
    with pytest.raises(ReadTimeout, match=r"0\.5 s"):
        service.save_generated_image(**MADE, wait=0.5)
    assert sum(ledger.topic_state().end.values()) == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"user_id": "x" * 33}, "user_id"),
        ({"storage_url": "data:image/png;base64,AAAA"}, "storage_url"),
        ({"bytes": 2**31}, "bytes"),
        ({"colour": "red"}, "colour"),
        ({"prompt": "a\0b"}, "prompt"),
    ],
)
def test_what_cannot_be_stored_is_refused_at_the_door(
    service: ImageService, ledger: Ledger, wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises((ValidationError, PublishRefused), match=said):
        service.save_generated_image(**{**MADE, **wrong})
    assert sum(ledger.topic_state().end.values()) == 0
