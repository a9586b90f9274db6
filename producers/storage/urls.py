"""The URLs under which a store's files are read: one base, and the file's name behind it."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from producers.storage.names import check_name
from producers.storage.storage import InvalidName

MAX_BASE_URL = 1800
"""With the longest file name behind it a URL still fits into an event."""


class FileUrls:
    """From names to URLs and back."""

    def __init__(self, base_url: str) -> None:
        """``base_url``: http(s), without query. Raises ValueError."""
        parts = urlsplit(base_url)
        if (
            parts.scheme not in {"http", "https"}
            or not parts.netloc
            or parts.query
            or parts.fragment
        ):
            raise ValueError("the storage's base URL is not a plain http:// or https:// URL")
        if len(base_url) > MAX_BASE_URL:
            raise ValueError(f"the storage's base URL is longer than {MAX_BASE_URL} characters")
        self._base = base_url.rstrip("/") + "/"

    def url_of(self, filename: str) -> str:
        """Raises InvalidName."""
        return self._base + check_name(filename)

    def filename_of(self, url: str) -> str | None:
        """The file that a URL under the base names; None for any other URL."""
        if not url.startswith(self._base):
            return None
        try:
            return check_name(unquote(url[len(self._base) :]))
        except InvalidName:
            return None
