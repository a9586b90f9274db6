"""Mending what an audit found, where that can be done without losing anything.

Files that nothing speaks of are adopted: told to the log, as images of nobody. Or they are put into
quarantine, a folder on this machine, before they are removed. Nothing else is ever removed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid5

from operations.auditing import Finding, broken
from producers.image_kind import mime_type_of
from producers.publisher import Publisher
from producers.storage import NotStored, Storage, StorageError, file_name
from schemas.events import ImageGenerated, ImageMoved, new_event

NAMESPACE = UUID("0d2f6e0e-6f34-5b61-8b5d-58d6a44d1b35")
"""Of the ids of adoptions, so that adopting twice is adopting once."""
NOBODY, TOOL = "unknown", "adopted"


@dataclass(slots=True)
class Repaired:
    """What came of it."""

    adopted: int = 0
    quarantined: int = 0
    moved: int = 0
    """Rows whose image was found at another store: told as ImageMoved."""
    left: list[str] = field(default_factory=list)
    """What nobody can mend by himself, and why."""


class Repair:
    """Mends findings, one after the other."""

    def __init__(
        self,
        publisher: Publisher,
        stores: Sequence[Storage],
        quarantine: Path,
        *,
        adopt: bool,
    ) -> None:
        self._publisher = publisher
        self._stores = {store.provider: store for store in stores}
        self._quarantine = quarantine
        self._adopt = adopt
        self._spoken_for: set[tuple[str, str]] = set()
        """Files that a row has been given in this run."""
        self.result = Repaired()

    def mend(self, findings: Sequence[Finding]) -> Repaired:
        """Raises StorageError, PublishError: run it again."""
        for one in sorted(findings, key=lambda one: one.kind != "row_without_bytes"):
            if one.place in self._spoken_for:
                continue
            match one.kind:
                case "bytes_without_row" if self._adopt:
                    self._adopt_file(one)
                case "bytes_without_row" | "deleted_with_bytes":
                    self._put_aside(one)
                case "unbooked_file":
                    self._book(one)
                case "row_without_bytes":
                    self._find_elsewhere(one)
                case _:
                    self.result.left.append(f"{one.kind}: {one.what}")
        return self.result

    def _adopt_file(self, finding: Finding) -> None:
        assert finding.place is not None  # noqa: S101  # it is about a file
        provider, name = finding.place
        store = self._stores[provider]
        data = store.read(name)
        if broken(data):
            self._put_aside(finding)
            return
        self._tell(data, store.url_of(name), provider, name, store.modified(name))

    def _book(self, finding: Finding) -> None:
        """An image of a folder that exists before the system: into the first store, and told."""
        path = Path(finding.what)
        data = path.read_bytes()
        if reason := broken(data):
            self.result.left.append(f"{path}: {reason}")
            return
        store = next(iter(self._stores.values()))
        mime_type = mime_type_of(data)
        digest = hashlib.sha256(data).hexdigest()
        stored = store.put(data, file_name(TOOL, _request_id(digest), mime_type), mime_type)
        made = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        self._tell(data, stored.url, stored.provider, path.name, made)

    def _tell(self, data: bytes, url: str, provider: str, name: str, made: datetime) -> None:
        digest = hashlib.sha256(data).hexdigest()
        generated = ImageGenerated(
            request_id=_request_id(digest),
            user_id=NOBODY,
            tool_name=TOOL,
            prompt=f"[found in storage: {name}]",
            storage_url=url,
            storage_provider=provider,
            mime_type=mime_type_of(data),
            bytes=len(data),
            sha256=digest,
            tags=(TOOL,),
        )
        event_id = str(uuid5(NAMESPACE, f"{digest}\n{url}"))
        self._publisher.publish(new_event(generated, time=made, event_id=event_id))
        self.result.adopted += 1

    def _put_aside(self, finding: Finding) -> None:
        """The copy is on the disk, and read back, before the file goes."""
        assert finding.place is not None  # noqa: S101  # it is about a file
        provider, name = finding.place
        store = self._stores[provider]
        data = store.read(name)
        folder = self._quarantine / provider
        folder.mkdir(parents=True, exist_ok=True)
        copy = folder / name
        copy.write_bytes(data)
        if copy.read_bytes() != data:
            raise StorageError(f"{copy} does not hold what was written to it")
        store.delete(name)
        self.result.quarantined += 1

    def _find_elsewhere(self, finding: Finding) -> None:
        name = finding.place[1] if finding.place is not None else ""
        for provider, store in self._stores.items():
            if finding.place is None or provider == finding.place[0]:
                continue
            try:
                data = store.read(name)
            except NotStored:
                continue
            moved = ImageMoved(
                request_id=finding.what,
                storage_url=store.url_of(name),
                storage_provider=provider,
                mime_type=mime_type_of(data),
                bytes=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
            )
            self._publisher.publish(new_event(moved))
            self._spoken_for.add((provider, name))
            self.result.moved += 1
            return
        self.result.left.append(f"{finding.kind}: {finding.what}: no store has {name}")


def _request_id(digest: str) -> str:
    return f"adopted-{digest[:32]}"
