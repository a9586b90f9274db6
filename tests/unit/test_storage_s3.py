"""S3 storage against a local S3-compatible server: the contract, and the errors."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

from producers.storage import StorageRefused, StorageUnavailable
from producers.storage.s3 import S3Storage
from tests.support.scripted_server import Scripted, scripted_server
from tests.support.storage_contract import StorageContract

KEY, SECRET = "AKIATESTING", "a-very-secret-key"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def client(endpoint: str):  # type: ignore[no-untyped-def]  # boto3 has no type hints
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
    )


@pytest.fixture
def bucket(endpoint: str) -> str:
    name = f"images-{next(_numbers)}"
    client(endpoint).create_bucket(Bucket=name)
    return name


def connect(endpoint: str, bucket: str, **options: object) -> S3Storage:
    keys = {"access_key_id": KEY, "secret_access_key": SECRET, "deadline_s": 2.0}
    return S3Storage(bucket, **{"endpoint": endpoint} | keys | options)  # type: ignore[arg-type]  # any option


@pytest.fixture
def storage(endpoint: str, bucket: str) -> S3Storage:
    return connect(endpoint, bucket)


class TestS3Storage(StorageContract):
    pass


def test_the_content_type_is_kept(endpoint: str, bucket: str, storage: S3Storage) -> None:
    for size in (1, 20 * 2**20):
        storage.put(bytes(size), "a.webp", "image/webp")
        head = client(endpoint).head_object(Bucket=bucket, Key="file-library/a.webp")
        assert (head["ContentType"], head["ContentLength"]) == ("image/webp", size)


def test_the_url_is_under_the_endpoint_or_where_it_was_told(endpoint: str) -> None:
    assert connect(endpoint, "b").url_of("a.png") == f"{endpoint}/b/file-library/a.png"
    public = connect(endpoint, "b", public_url="https://cdn.example/images")
    assert public.url_of("a.png") == "https://cdn.example/images/a.png"
    amazon = S3Storage("b", region="eu-west-1", access_key_id=KEY, secret_access_key=SECRET)
    assert amazon.url_of("a.png") == "https://s3.eu-west-1.amazonaws.com/b/file-library/a.png"


def test_only_files_of_the_folder_are_listed(
    endpoint: str, bucket: str, storage: S3Storage
) -> None:
    storage.put(b"x", "a.png", "image/png")
    for key in ("README", "file-library/deeper/b.png", "file-library/.keep", "file-library2/c.png"):
        client(endpoint).put_object(Bucket=bucket, Key=key, Body=b"")
    assert [file.filename for file in storage.list()] == ["a.png"]


def test_many_files_are_all_listed(storage: S3Storage) -> None:
    names = [f"{number:04}.png" for number in range(1_050)]
    for name in names:
        storage.put(b"", name, "image/png")
    assert [file.filename for file in storage.list()] == names


def test_a_bucket_that_is_not_there_is_no_missing_file(endpoint: str) -> None:
    storage = connect(endpoint, "no-such-bucket")
    for ask in (storage.read, storage.exists, storage.modified, storage.delete):
        with pytest.raises(StorageUnavailable, match="NoSuchBucket"):
            ask("a.png")
    with pytest.raises(StorageUnavailable, match="NoSuchBucket"):
        storage.put(b"x", "a.png", "image/png")
    with pytest.raises(StorageUnavailable, match="NoSuchBucket"):
        list(storage.list())


def refusal(code: str) -> bytes:
    return (
        f"<Error><Code>{code}</Code><AWSAccessKeyId>{KEY}</AWSAccessKeyId>"
        f"<StringToSign>AWS4-HMAC {SECRET}</StringToSign></Error>"
    ).encode()


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "SignatureDoesNotMatch", StorageUnavailable),
        (403, "InvalidAccessKeyId", StorageUnavailable),
        (403, "AccessDenied", StorageUnavailable),
        (400, "EntityTooLarge", StorageRefused),
        (507, "XMinioStorageFull", StorageUnavailable),
    ],
)
def test_what_the_server_refuses_is_told_by_its_code_and_without_a_secret(
    status: int, code: str, kind: type[Exception]
) -> None:
    with scripted_server(Scripted(status, refusal(code))) as server:
        storage = connect(server.url, "b")
        with pytest.raises(kind) as caught:
            storage.put(b"x", "a.png", "image/png")
    message = str(caught.value)
    assert code in message
    assert message.startswith("cannot store a.png in bucket b, file-library/: ")
    assert KEY not in message
    assert SECRET not in message
    assert SECRET not in f"{storage!r}{vars(storage)!r}"


def test_a_server_that_is_busy_for_a_moment_is_asked_again() -> None:
    busy = Scripted(503, refusal("SlowDown"))
    with scripted_server(busy, busy, Scripted()) as server:
        connect(server.url, "b", deadline_s=20.0).put(b"x", "a.png", "image/png")
        assert server.seen == ["PUT /b/file-library/a.png"] * 3


def test_a_server_that_is_silent_or_not_there_is_unavailable() -> None:
    with scripted_server(Scripted(silent_s=1.0)) as server:
        storage = connect(server.url, "b", timeout_s=0.2, deadline_s=0.3)
        with pytest.raises(StorageUnavailable, match="not in time"):
            storage.put(b"x", "a.png", "image/png")
    with pytest.raises(StorageUnavailable):
        storage.read("a.png")
