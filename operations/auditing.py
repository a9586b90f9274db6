"""The audit: events, rows and bytes compared three ways, without crying wolf.

Files younger than the grace, images in the middle of being told, and events that the table has not
come to are no findings; what is found is looked at once more before it is said.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from consumers.decoding import decode
from consumers.log import LogReader
from producers.image_kind import UNKNOWN, mime_type_of
from producers.storage import NotStored, Storage, StorageError
from projections.auditing import Comparison, EventAt, Orphan, StoredAt, ToRead
from projections.connections import Connection
from projections.places import rows_at
from schemas.compact import Failed, Generated, Moved
from schemas.record import Record

MAX_FINDINGS = 10_000
"""Of each kind."""
MAX_PIXELS = 100_000_000
IMAGES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".bmp", ".tiff", ".svg"})

KINDS = {
    "row_without_bytes": "rows whose image is not in its store",
    "bytes_without_row": "files that no row speaks of",
    "deleted_with_bytes": "files of deleted images",
    "event_without_row": "events that made no row: omega-images replay",
    "row_without_event": "rows that no event made: omega-images backfill",
    "unfounded_row": "rows whose event is not in the log: omega-images reconcile",
    "size_differs": "files of another size than the row says",
    "content_differs": "files with another SHA-256 than the row says",
    "broken_image": "files that are no image any more",
    "url_not_found": "URLs that do not answer",
    "unbooked_file": "images of the folder that no row has",
}


class Finding(NamedTuple):
    """Something that is not as it should be."""

    kind: str
    what: str
    detail: str
    place: tuple[str, str] | None = None
    """Provider and file name, where it is about a file."""


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """How far to look."""

    grace: timedelta = timedelta(minutes=10)
    read_all: bool = False
    """All bytes of all stores; else those of local storage, and a sample of the others."""
    sample: int = 200
    log: bool = True
    folder: Path | None = None


@dataclass(slots=True)
class Audited:
    """What an audit came to."""

    findings: list[Finding] = field(default_factory=list)
    checked: dict[str, int] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """Findings by kind."""
        return dict(Counter(one.kind for one in self.findings))


class Audit:
    """One audit. ``in_flight`` are names of files that calls under way are storing."""

    def __init__(
        self,
        connection: Connection[Any],
        reader: LogReader,
        stores: Sequence[Storage],
        *,
        in_flight: Sequence[str] = (),
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._connection = connection
        self._reader = reader
        self._stores = {store.provider: store for store in stores}
        self._in_flight = in_flight
        self._progress = progress
        self._result = Audited()
        self._comparison: Comparison | None = None

    def elsewhere(self, limit: int) -> list[tuple[str, str]]:
        """After ``run``: rows and URLs that are of none of the stores, the newest first."""
        assert self._comparison is not None  # noqa: S101  # it has run
        return self._comparison.elsewhere(self._bases(), limit)

    def run(self, options: AuditOptions) -> Audited:
        """Compare everything. Raises LogError, StorageUnavailable, psycopg.Error."""
        state = self._reader.describe()
        comparison = self._comparison = Comparison(self._connection, state.topic, MAX_FINDINGS)
        before = datetime.now(UTC) - options.grace
        # Files first: an image is stored before it is told, so whatever is listed is told by now.
        for store in self._stores.values():
            comparison.add_files(_listed(store))
        if options.log:
            for records in self._reader.read(state.begin, state.end):
                self._progress(len(records))
                comparison.add_events(_events(records))
        self._result.checked = comparison.ready()
        self._compare(comparison, before, log_is_read=options.log)
        self._read(comparison, options)
        if options.folder is not None:
            self._look_at_folder(comparison, options.folder)
        return self._result

    def _compare(self, comparison: Comparison, before: datetime, *, log_is_read: bool) -> None:
        for what, url in comparison.rows_without_bytes(self._bases()):
            if self._still_missing(url):
                self._found("row_without_bytes", what, url, self._place_of(url))
        for orphan in comparison.bytes_without_row(before, self._in_flight):
            if self._still_orphaned(orphan, before):
                kind = "deleted_with_bytes" if orphan.deleted else "bytes_without_row"
                place = (orphan.provider, orphan.filename)
                self._found(kind, orphan.filename, orphan.url, place)
        for what, told, stored, url in comparison.sizes_that_differ():
            detail = f"{told:,} bytes in the row, {stored:,} at {url}"
            self._found("size_differs", what, detail, self._place_of(url))
        if log_is_read:
            for what, partition, offset in comparison.events_without_row():
                self._found("event_without_row", what, f"at {partition}:{offset}")
        for what, bypass in comparison.rows_without_event(log_is_read=log_is_read):
            kind = "row_without_event" if bypass else "unfounded_row"
            self._found(kind, what, "no event made it" if bypass else "its event is not there")

    def _read(self, comparison: Comparison, options: AuditOptions) -> None:
        """The bytes themselves."""
        if options.read_all:
            wanted = comparison.to_read(None, 2**31)
        else:
            remote = [name for name in self._stores if name != "local"]
            wanted = comparison.to_read(["local"], 2**31)
            wanted += comparison.to_read(remote, options.sample) if remote else []
        for one in wanted:
            self._read_one(one)
        self._result.checked["images_read"] = len(wanted)

    def _read_one(self, one: ToRead) -> None:
        try:
            data = self._stores[one.provider].read(one.filename)
        except NotStored:
            # Gone since it was listed; the next audit sees what is left.
            return
        place = (one.provider, one.filename)
        digest = hashlib.sha256(data).hexdigest()
        if one.sha256 is not None and digest != one.sha256.strip():
            self._found("content_differs", one.what, f"{one.filename} has {digest[:12]}…", place)
        elif reason := broken(data):
            self._found("broken_image", one.what, f"{one.filename}: {reason}", place)

    def _look_at_folder(self, comparison: Comparison, folder: Path) -> None:
        files = sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink())
        images = [path for path in files if path.suffix.lower() in IMAGES]
        self._result.checked["folder_images"] = len(images)
        for start in range(0, len(images), 500):
            page = images[start : start + 500]
            digests = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in page}
            known = comparison.known_digests(list(digests.values()))
            for path, digest in digests.items():
                if digest not in known:
                    self._found("unbooked_file", str(path), digest)

    def _still_missing(self, url: str) -> bool:
        place = self._place_of(url)
        rows = rows_at(self._connection, [url])
        return bool(rows) and place is not None and not self._stores[place[0]].exists(place[1])

    def _still_orphaned(self, orphan: Orphan, before: datetime) -> bool:
        if rows_at(self._connection, [orphan.url]):
            return False
        store = self._stores[orphan.provider]
        try:
            return (orphan.modified or store.modified(orphan.filename)) < before
        except StorageError:
            return False

    def _place_of(self, url: str) -> tuple[str, str] | None:
        for provider, store in self._stores.items():
            if name := store.filename_of(url):
                return provider, name
        return None

    def _bases(self) -> list[str]:
        """How the stores' URLs begin."""
        return [store.url_of("x.png").removesuffix("x.png") for store in self._stores.values()]

    def _found(
        self, kind: str, what: str, detail: str, place: tuple[str, str] | None = None
    ) -> None:
        self._result.findings.append(Finding(kind, what, detail, place))


def broken(data: bytes) -> str | None:
    """Why the bytes are no image that can be shown; None when they are."""
    kind = mime_type_of(data)
    if kind == UNKNOWN:
        return "its beginning is no image's"
    if kind == "image/svg+xml":
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as image:
                if image.width * image.height > MAX_PIXELS:
                    return f"{image.width}x{image.height} pixels are more than any tool makes"
                image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return "it cannot be decoded to its end"
    return None


def _listed(store: Storage) -> Iterator[StoredAt]:
    for one in store.list():
        url = store.url_of(one.filename)
        yield StoredAt(store.provider, one.filename, url, one.bytes, one.modified)


def _events(records: Iterable[Record]) -> Iterator[EventAt]:
    for one in decode(records).decoded:
        record, event = one.record, one.event
        data = event.data
        url = data.storage_url if isinstance(data, (Generated, Moved)) else None
        makes = isinstance(data, (Generated, Failed))
        yield EventAt(data.request_id, record.partition, record.offset, makes, url)
