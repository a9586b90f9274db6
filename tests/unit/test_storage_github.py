"""GitHub storage against a local server of the contents API: the contract, then its faults."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from producers.storage import NotStored, StorageRefused, StorageUnavailable
from producers.storage.github import MAX_BYTES, GitHubStorage
from producers.storage.github_api import Patience
from tests.support.github_server import TOKEN, Fault, GitHubServer, github_server
from tests.support.storage_contract import StorageContract


class Clock:
    """Time that passes only in waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def patience(self, seconds: float) -> Patience:
        return Patience(seconds, lambda: self.now, self.sleep)


@pytest.fixture
def server() -> Iterator[GitHubServer]:
    with github_server() as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


def connect(server: GitHubServer, clock: Clock, **options: object) -> GitHubStorage:
    settings = {"api_url": server.url, "timeout_s": 5.0, "patience": clock.patience}
    return GitHubStorage("ada", "omega", **{"token": TOKEN} | settings | options)  # type: ignore[arg-type]  # any option


@pytest.fixture
def storage(server: GitHubServer, clock: Clock) -> GitHubStorage:
    return connect(server, clock)


def put(storage: GitHubStorage, data: bytes = b"picture") -> None:
    storage.put(data, "a.png", "image/png")


class TestGitHubStorage(StorageContract):
    pass


def test_the_url_is_the_raw_one(storage: GitHubStorage) -> None:
    base = "https://raw.githubusercontent.com/ada/omega/main/file-library"
    assert storage.put(b"x", "a.png", "image/png").url == f"{base}/a.png"


def test_a_new_file_is_one_request_and_one_commit(
    server: GitHubServer, storage: GitHubStorage
) -> None:
    put(storage)
    assert server.seen == ["PUT /repos/ada/omega/contents/file-library/a.png"]
    assert server.repository.files == {"file-library/a.png": b"picture"}


def test_the_same_bytes_again_make_no_commit_and_other_bytes_make_one(
    server: GitHubServer, storage: GitHubStorage
) -> None:
    put(storage)
    put(storage)
    assert len(server.repository.commits) == 1
    put(storage, b"other")
    assert len(server.repository.commits) == 2


@pytest.mark.parametrize("status", [0, 500, 502, 503])
@pytest.mark.parametrize("after_effect", [False, True])
def test_an_answer_that_is_lost_is_asked_for_again(
    server: GitHubServer, storage: GitHubStorage, clock: Clock, status: int, after_effect: bool
) -> None:
    server.faults.extend([Fault(status, after_effect=after_effect), Fault(status)])
    put(storage)
    assert server.repository.files == {"file-library/a.png": b"picture"}
    assert len(server.repository.commits) == 1
    assert len(clock.waits) == 2
    server.faults.append(Fault(status, after_effect=after_effect, only="DELETE"))
    assert storage.delete("a.png") is True
    assert server.repository.files == {}


@pytest.mark.parametrize("after_effect", [False, True])
def test_a_slow_answer_is_not_waited_for(
    server: GitHubServer, clock: Clock, after_effect: bool
) -> None:
    storage = connect(server, clock, timeout_s=0.2)
    server.faults.append(Fault(200, silent_s=1.0, after_effect=after_effect))
    put(storage)
    assert len(server.repository.commits) == 1


def test_a_server_that_stays_down_is_given_up_at_the_deadline(
    server: GitHubServer, storage: GitHubStorage, clock: Clock
) -> None:
    server.faults.extend([Fault(503)] * 100)
    with pytest.raises(StorageUnavailable, match=r"cannot store a\.png in ada/omega.*answers 503"):
        put(storage)
    assert 30 < clock.now <= 60


def test_who_is_patient_waits_for_a_told_time_and_a_minute_for_an_untold_one(clock: Clock) -> None:
    def wait_for_ever() -> None:
        while True:
            patience.wait("away")

    patience = clock.patience(900)
    patience.wait("a limit", 700)
    with pytest.raises(StorageUnavailable, match="away; given up after"):
        wait_for_ever()
    assert 740 < clock.now <= 760


def test_nobody_listens(clock: Clock) -> None:
    with github_server() as server:
        storage = connect(server, clock)
    with pytest.raises(StorageUnavailable, match="cannot be reached"):
        put(storage)


def now_and(seconds: int) -> str:
    return str(int(time.time()) + seconds)


LIMITS = {
    "secondary": ({"Retry-After": "7"}, "You have exceeded a secondary rate limit.", 7),
    "primary": ({"X-RateLimit-Remaining": "0"}, "API rate limit exceeded for user ID 1.", 30),
}


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize("limit", LIMITS)
def test_a_rate_limit_is_waited_for_as_long_as_its_headers_say(
    server: GitHubServer, storage: GitHubStorage, clock: Clock, status: int, limit: str
) -> None:
    headers, message, wait = LIMITS[limit]
    server.faults.append(Fault(status, message, headers | {"X-RateLimit-Reset": now_and(30)}))
    put(storage)
    assert len(clock.waits) == 1
    assert wait - 3 < clock.waits[0] <= wait + 1
    assert server.repository.files == {"file-library/a.png": b"picture"}


@pytest.mark.parametrize(
    ("status", "message", "headers"),
    [
        (403, "You have exceeded a secondary rate limit. Please wait.", {}),
        (429, "Too many requests", {}),
        (403, "secondary rate limit", {"Retry-After": "3600"}),
        (
            403,
            "API rate limit exceeded",
            {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": now_and(3000)},
        ),
        (429, "rate limit", {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}),
    ],
)
def test_a_rate_limit_beyond_the_deadline_fails_at_once(
    server: GitHubServer, clock: Clock, status: int, message: str, headers: dict[str, str]
) -> None:
    storage = connect(server, clock, deadline_s=0.4)
    server.faults.append(Fault(status, message, headers))
    with pytest.raises(StorageUnavailable):
        put(storage)
    assert clock.waits == []


def test_a_forbidden_write_is_no_rate_limit(
    server: GitHubServer, storage: GitHubStorage, clock: Clock
) -> None:
    server.faults.append(Fault(403, "Resource not accessible by personal access token"))
    with pytest.raises(StorageUnavailable, match="may it write contents"):
        put(storage)
    assert clock.waits == []


def test_processes_that_write_to_the_branch_are_written_around(
    server: GitHubServer, storage: GitHubStorage
) -> None:
    """409: the branch has moved since this request began; and then the old blob is another."""
    server.faults.append(Fault(409, "file-library/a.png is at 1234 but expected 5678"))
    put(storage, b"one")
    server.faults.append(Fault(409, "file-library/a.png does not match 1234"))
    put(storage, b"two")
    assert server.repository.files == {"file-library/a.png": b"two"}
    server.faults.append(Fault(409, "is at 1234 but expected 5678", only="DELETE"))
    assert storage.delete("a.png") is True


def test_one_process_never_writes_to_a_branch_in_parallel(
    server: GitHubServer, clock: Clock
) -> None:
    """Two stores of one branch, as two parts of a process have them; no 409 is met."""
    server.repository.write_s = 0.01
    stores = [connect(server, clock), connect(server, clock)]
    with ThreadPoolExecutor(8) as pool:
        tasks = [
            pool.submit(stores[number % 2].put, b"x", f"{number}.png", "image/png")
            for number in range(16)
        ]
    assert all(task.result() for task in tasks)
    assert clock.waits == []
    assert len(server.repository.files) == len(server.seen) == 16


def test_writers_of_several_processes_all_land(server: GitHubServer) -> None:
    """Each under a lock of its own, as processes have it: 409s are met, and overcome."""
    server.repository.write_s = 0.01
    stores = [GitHubStorage("ada", "omega", TOKEN, api_url=server.url) for _ in range(3)]
    for store in stores:
        store._turn = threading.Lock()

    def store_some(number: int) -> None:
        for image in range(3):
            stores[number].put(b"x", f"{number}-{image}.png", "image/png")

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(store_some, range(3)))
    assert len(server.repository.files) == 9
    assert len(server.seen) > 9


def test_a_rule_of_the_branch_is_not_argued_with(
    server: GitHubServer, storage: GitHubStorage, clock: Clock
) -> None:
    server.faults.append(Fault(409, "Repository rule violations found"))
    with pytest.raises(StorageUnavailable, match="rule violations"):
        put(storage)
    assert clock.waits == []


def test_what_github_will_never_take_is_refused(
    server: GitHubServer, storage: GitHubStorage
) -> None:
    server.faults.append(Fault(422, "Sorry, your input was too large to process"))
    with pytest.raises(StorageRefused, match="too large to process"):
        put(storage)
    server.faults.append(Fault(413, "Payload Too Large"))
    with pytest.raises(StorageRefused, match="413"):
        put(storage)
    with pytest.raises(StorageRefused, match="104857601 bytes"):
        put(storage, bytes(MAX_BYTES + 1))


@pytest.mark.parametrize(
    "options", [{"branch": "gone"}, {"token": "github_pat_wrong"}], ids=["branch", "token"]
)
def test_a_place_that_is_not_there_is_no_missing_file(
    server: GitHubServer, clock: Clock, options: dict[str, str]
) -> None:
    """Else an audit with a wrong token would find every image lost."""
    put(connect(server, clock))
    storage = connect(server, clock, **options)
    for ask in (storage.read, storage.exists, storage.modified, storage.delete):
        with pytest.raises(StorageUnavailable, match="token"):
            ask("a.png")
    with pytest.raises(StorageUnavailable, match="token"):
        list(storage.list())
    with pytest.raises(StorageUnavailable, match="token"):
        put(storage)


def test_no_message_shows_the_token(server: GitHubServer, clock: Clock) -> None:
    storage = connect(server, clock, token="github_pat_secret")
    with pytest.raises(StorageUnavailable) as caught:
        put(storage)
    shown = f"{caught.value!r} {caught.value.__cause__!r} {storage!r} {vars(storage)!r}"
    assert "github_pat_secret" not in shown


def test_only_files_of_the_folder_are_listed(server: GitHubServer, storage: GitHubStorage) -> None:
    put(storage)
    files = server.repository.files
    for path in ("README.md", "file-library/deeper/b.png", "file-library/.keep", "other/c.png"):
        files[path] = b""
    files["file-library/link.png"] = b"../README.md"
    server.repository.links.add("file-library/link.png")
    assert [file.filename for file in storage.list()] == ["a.png"]
    assert storage.exists("deeper") is False


def test_a_deeper_folder(server: GitHubServer, clock: Clock) -> None:
    storage = connect(server, clock, folder="public/images")
    assert list(storage.list()) == []
    put(storage)
    assert [file.filename for file in storage.list()] == ["a.png"]
    assert storage.url_of("a.png").endswith("/main/public/images/a.png")


def test_an_empty_repository_has_no_files(storage: GitHubStorage) -> None:
    assert list(storage.list()) == []
    with pytest.raises(NotStored):
        storage.read("a.png")


@pytest.mark.parametrize(
    "options",
    [{"branch": "../main"}, {"folder": "/etc"}, {"folder": "a/../b"}, {"branch": "a b"}],
)
def test_a_place_that_leads_elsewhere_is_refused(
    server: GitHubServer, clock: Clock, options: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match="cannot be part of a place"):
        connect(server, clock, **options)
