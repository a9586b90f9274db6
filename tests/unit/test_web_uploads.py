"""Images of local storage over HTTP: their bytes, and nothing else of the machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.web import client_of, open_site
from web.site import Site

PNG = b"\x89PNG\r\n\x1a\n" + bytes(600_000)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, open_reading=True) as made:
        made.uploads.put(PNG, "harbour.png", "image/png")
        made.uploads.put(b"<svg onload='alert(1)'/>", "chart.svg", "image/svg+xml")
        made.uploads.put(b"<script>alert(1)</script>", "page.html", "text/html")
        made.uploads.put(b"<script>alert(1)</script>", "lie.jpg", "image/jpeg")
        (tmp_path / "secret.png").write_bytes(b"secret")
        (tmp_path / "uploads" / "link.png").symlink_to(tmp_path / "secret.png")
        (tmp_path / "uploads" / "folder.png").mkdir()
        os.mkfifo(tmp_path / "uploads" / "pipe.png")
        (tmp_path / "uploads" / ".hidden.png").write_bytes(b"secret")
        yield made


@pytest.mark.parametrize(
    ("name", "mime_type", "how"),
    [
        ("harbour.png", "image/png", "inline"),
        ("lie.jpg", "image/jpeg", "inline"),
        ("chart.svg", "image/svg+xml", "attachment"),
        ("page.html", "application/octet-stream", "attachment"),
    ],
)
def test_a_file_is_an_image_or_a_download_and_runs_nothing(
    site: Site, name: str, mime_type: str, how: str
) -> None:
    answer = client_of(site).get(f"/uploads/{name}")
    assert answer.status_code == 200
    assert answer.content == site.uploads.read(name)
    assert answer.headers["Content-Type"] == mime_type
    assert answer.headers["Content-Disposition"] == f'{how}; filename="{name}"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert "sandbox" in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize(
    "name",
    [
        "link.png",
        "folder.png",
        "pipe.png",
        ".hidden.png",
        "missing.png",
        "..%2Fsecret.png",
        "..%5Csecret.png",
        "%2e%2e/secret.png",
        "../secret.png",
        "a%00.png",
        "harbour.png%20",
        "%F0%9F%8C%8A.png",
        "x" * 300,
        "con.png",
        "",
    ],
)
def test_whatever_is_no_image_of_the_folder_is_not_found(site: Site, name: str) -> None:
    answer = client_of(site).get(f"/uploads/{name}")
    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_a_known_image_is_not_sent_again(site: Site) -> None:
    client = client_of(site)
    first = client.get("/uploads/harbour.png")
    assert first.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    again = client.get("/uploads/harbour.png", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.content == b""
    head = client.head("/uploads/harbour.png")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(PNG))


def test_images_are_shown_to_those_who_may_read(tmp_path: Path) -> None:
    with open_site(tmp_path) as site:
        site.uploads.put(PNG, "harbour.png", "image/png")
        assert client_of(site).get("/uploads/harbour.png").status_code == 401
        assert client_of(site, as_="bot").get("/uploads/harbour.png").status_code == 403
        shown = client_of(site, as_="reader").get("/uploads/harbour.png")
        assert shown.headers["Cache-Control"].startswith("private, ")
        assert shown.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_where_it_is_said_so_whoever_knows_the_url_may_load_it(tmp_path: Path) -> None:
    with open_site(tmp_path, open_uploads=True) as site:
        site.uploads.put(PNG, "harbour.png", "image/png")
        shown = client_of(site).get("/uploads/harbour.png")
        assert shown.status_code == 200
        assert shown.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert client_of(site).get("/metrics").status_code == 401
