"""Local storage: the contract of every store, and what only a folder can get wrong."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from producers.storage import LocalStorage, NotStored, Storage, StorageUnavailable, file_name
from tests.support.storage_contract import StorageContract

BASE = "http://localhost:8080/uploads"


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "images", BASE)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class TestLocalStorage(StorageContract):
    pass


def test_it_is_a_storage(storage: LocalStorage) -> None:
    checked: Storage = storage
    assert checked.url_of("a.png") == f"{BASE}/a.png"


@given(request_id=st.text(max_size=40), data=st.binary(max_size=64))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_request_is_stored_inside_the_folder(
    tmp_path: Path, request_id: str, data: bytes
) -> None:
    storage = LocalStorage(tmp_path / "images", BASE)
    name = file_name("renderChart", request_id, "image/png")
    stored = storage.put(data, name, "image/png")
    assert storage.filename_of(stored.url) == name
    assert storage.read(name) == data
    assert names_in(tmp_path) == ["images"]


def test_a_reader_never_meets_half_a_file(
    storage: LocalStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at the fsync, the old file is whole, and nothing is left that a listing would show."""
    storage.put(b"old", "a.png", "image/png")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("producers.storage.local.os.fsync", full)
    with pytest.raises(StorageUnavailable, match="No space left"):
        storage.put(b"new and longer", "a.png", "image/png")
    assert storage.read("a.png") == b"old"
    assert names_in(tmp_path / "images") == ["a.png"]


def test_the_bytes_are_synced_before_the_name_and_the_folder_after_it(
    storage: LocalStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def note_sync(descriptor: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        steps.append(f"sync {kind}")
        fsync(descriptor)

    def note_rename(self: Path, target: Path) -> Path:
        steps.append("rename")
        return replace(self, target)

    monkeypatch.setattr("producers.storage.local.os.fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_rename)
    storage.put(b"x", "a.png", "image/png")
    assert steps == ["sync file", "rename", "sync folder"]


def test_a_link_out_of_the_folder_is_not_followed(storage: LocalStorage, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    storage.put(b"x", "a.png", "image/png")
    (tmp_path / "images" / "b.png").symlink_to(secret)
    with pytest.raises(StorageUnavailable):
        storage.read("b.png")
    assert [file.filename for file in storage.list()] == ["a.png"]
    storage.put(b"mine", "b.png", "image/png")
    assert secret.read_bytes() == b"secret"
    assert storage.read("b.png") == b"mine"


def test_foreign_files_in_the_folder_are_not_listed(storage: LocalStorage, tmp_path: Path) -> None:
    storage.put(b"x", "a.png", "image/png")
    for name in (".part-0011223344556677", ".DS_Store", "with space.png"):
        (tmp_path / "images" / name).write_bytes(b"")
    (tmp_path / "images" / "folder").mkdir()
    assert [file.filename for file in storage.list()] == ["a.png"]


def test_nothing_is_made_before_the_first_image(storage: LocalStorage, tmp_path: Path) -> None:
    assert storage.delete("a.png") is False
    with pytest.raises(NotStored):
        storage.read("a.png")
    assert list(storage.list()) == []
    assert names_in(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    storage = LocalStorage(tmp_path / "file" / "images", BASE)
    with pytest.raises(StorageUnavailable, match=r"cannot store a\.png"):
        storage.put(b"x", "a.png", "image/png")


@pytest.mark.parametrize(
    "url", ["", "uploads", "ftp://host/x", "https:///x", "https://h/?a=1", "https://h/#a"]
)
def test_a_base_url_that_is_not_plain_http_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ValueError, match="base URL"):
        LocalStorage(tmp_path, url)


def test_a_base_url_may_end_in_a_slash(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path, BASE + "/")
    assert storage.url_of("a.png") == f"{BASE}/a.png"
    with pytest.raises(ValueError, match="1800"):
        LocalStorage(tmp_path, "https://host/" + "x" * 1800)
