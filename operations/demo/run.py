"""The demonstration, act by act: images, projections, then everything dropped and rebuilt."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from operations.demo.commands import CommandFailed, Commands, Worker, stop_all
from operations.demo.leftovers import remember
from operations.demo.place import Place
from operations.demo.player import Player
from operations.demo.screen import Screen
from operations.demo.sheet import contact_sheet
from operations.demo.story import FATES, Fate, Request, requests
from producers.publisher import Acknowledgement, Publisher
from projections.connections import Connection, connector
from projections.contents import (
    Digest,
    digest_of_images,
    digest_of_statistics,
    empty_images,
    empty_statistics,
)
from projections.images import GeneratedImageRecord, list_generated_images
from projections.positions import read_positions
from projections.statistics_reads import Numbers, read_numbers

CATCH_UP_S = 60.0
POLL_S = 0.05
PROJECTIONS = ("table", "stats")
TOOL_WIDTH = 18


class Contents(NamedTuple):
    """Table and statistics at one moment."""

    images: Digest
    statistics: Digest


class Demonstration:
    """One performance in one place. ``publisher`` is closed by whoever made it."""

    def __init__(self, place: Place, screen: Screen, publisher: Publisher) -> None:
        self._place = place
        self._screen = screen
        self._commands = Commands(place.variables())
        self._connection: Connection[Any] = connector(place.database_url, "omega-demo")()
        self._story = requests()
        self._player = Player(
            publisher.publish_async, place.images, place.archive, datetime.now(UTC)
        )
        self._workers: list[Worker] = []

    def perform(self) -> bool:
        """The whole of it; whether the rebuilt contents equal those before.

        Raises CommandFailed, psycopg.Error, StorageError and what deliveries raise.
        """
        try:
            self._start_workers()
            ends = self._images()
            self._catch_up(ends)
            self._look()
            before = self._contents()
            self._judge()
            self._stop_workers()
            self._drop()
            self._rebuild()
            return self._compare(before)
        finally:
            stop_all(self._workers)
            self._place.workers.unlink(missing_ok=True)
            self._connection.close()

    def _start_workers(self) -> None:
        self._screen.title("Two consumers, each a process of its own")
        for name in PROJECTIONS:
            log = self._place.logs / f"{name}.log"
            worker = self._commands.start(log, "consume", name)
            self._workers.append(worker)
            remember(self._place.workers, [one.process.pid for one in self._workers])
            self._screen.say(f"omega-images consume {name}   (process {worker.process.pid})")

    def _images(self) -> dict[int, int]:
        """Both acts of the story; the topic's ends after them."""
        self._screen.title("Images, drawn offline from written prompts")
        story, ends = self._story, dict[int, int]()
        with self._screen.progress("drawn, stored, published", len(story)) as done:
            _extend(ends, self._player.ask(story, done))
        with self._screen.progress("retried, moved, deleted", len(story)) as done:
            _extend(ends, self._player.follow_up(story, done))
        with self._screen.step("a contact sheet of all images"):
            sheet = self._place.home / "contact-sheet.jpg"
            sheet.write_bytes(contact_sheet(self._place.images))
        self._screen.say(f"look at {sheet}")
        return ends

    def _catch_up(self, ends: Mapping[int, int]) -> None:
        total = sum(ends.values())
        for name in PROJECTIONS:
            with self._screen.progress(f"events projected by {name}", total) as done:
                self._await(name, ends, done)

    def _await(self, projection: str, ends: Mapping[int, int], done: Callable[[int], None]) -> None:
        deadline, shown = time.monotonic() + CATCH_UP_S, 0
        while True:
            stored = read_positions(self._connection, projection, self._place.topic)
            behind = sum(max(0, end - stored.get(number, 0)) for number, end in ends.items())
            reached = sum(ends.values()) - behind
            done(reached - shown)
            shown = reached
            if behind == 0:
                return
            for worker in self._workers:
                worker.check()
            if time.monotonic() > deadline:
                raise CommandFailed(
                    f"`omega-images consume {projection}` is still {behind} events behind after "
                    f"{CATCH_UP_S:.0f} s: read {self._place.logs / projection}.log"
                )
            time.sleep(POLL_S)

    def _look(self) -> None:
        for arguments in (("images", "stats"), ("images", "stats", "--by", "tool")):
            self._screen.command(*arguments)
            self._commands.run(*arguments)
        self._screen.title("The newest rows")
        heads = ("id", "created", "user", "tool", "prompt, or why it failed")
        self._screen.table(heads, [_line(row) for row in self._rows()[:10]])

    def _rows(self) -> list[GeneratedImageRecord]:
        return list_generated_images(self._connection, limit=len(self._story))

    def _judge(self) -> None:
        """Whether each request came to what the story says. Raises CommandFailed."""
        self._screen.title("What the events came to")
        archive = self._place.archive
        wrong = misjudged(self._story, self._rows(), lambda url: bool(archive.filename_of(url)))
        found, wanted = read_numbers(self._connection), expected(self._story)
        if wrong:
            raise CommandFailed(f"{len(wrong)} rows are not as the story has it: {wrong[:5]}")
        if found[:4] != wanted[:4]:
            raise CommandFailed(f"the statistics should say {wanted[:4]}, and say {found[:4]}")
        for line in _told():
            self._screen.say(line)

    def _stop_workers(self) -> None:
        self._screen.title("Everything in Postgres is dropped")
        with self._screen.step("both consumers stopped"):
            stop_all(self._workers)

    def _drop(self) -> None:
        empty_images(self._connection)
        empty_statistics(self._connection)
        gone = self._contents().images.rows
        numbers = read_numbers(self._connection)
        self._screen.say(f"rows now: {gone}; images in the statistics now: {numbers.total_images}")

    def _rebuild(self) -> None:
        self._screen.title("And rebuilt from the log")
        for name in PROJECTIONS:
            self._screen.command("rebuild", name, "--yes")
            self._commands.run("rebuild", name, "--yes")

    def _compare(self, before: Contents) -> bool:
        after = self._contents()
        self._screen.title("Before and after")
        self._screen.table(
            ("", "rows", "SHA-256 of the contents"),
            [
                ("table before", str(before.images.rows), before.images.sha256[:32]),
                ("table after", str(after.images.rows), after.images.sha256[:32]),
                ("statistics before", str(before.statistics.rows), before.statistics.sha256[:32]),
                ("statistics after", str(after.statistics.rows), after.statistics.sha256[:32]),
            ],
        )
        return before == after

    def _contents(self) -> Contents:
        return Contents(digest_of_images(self._connection), digest_of_statistics(self._connection))


def expected(story: Sequence[Request]) -> Numbers:
    """The five numbers that the story must come to, but for the mean size."""
    kept = [request for request in story if request.fate is not Fate.DELETED]
    failed = sum(request.fate is Fate.FAILED for request in kept)
    users = {request.user for request in kept}
    return Numbers(len(kept), len(users), len(kept) - failed, failed, None)


def misjudged(
    story: Sequence[Request],
    rows: Iterable[GeneratedImageRecord],
    in_archive: Callable[[str], bool],
) -> list[str]:
    """The requests whose row is not what their fate makes of it; the ids of rows too many."""
    by_request = {row.request_id: row for row in rows}
    wrong = []
    for request in story:
        row, fate = by_request.pop(request.request_id, None), request.fate
        if row is None:
            right = fate is Fate.DELETED
        elif fate is Fate.FAILED:
            failure = request.failure
            right = row.status == "failed" and failure is not None and row.error == failure.text
        else:
            moved = in_archive(row.storage_url)
            right = row.status == "success" and row.error is None
            right = right and fate is not Fate.DELETED and moved == (fate is Fate.MOVED)
        if not right:
            wrong.append(request.request_id)
    return [*wrong, *(str(name) for name in by_request)]


def _told() -> Iterable[str]:
    fates = FATES
    yield f"{fates[Fate.DUPLICATED]} events were delivered twice: still one row each"
    yield f"{fates[Fate.RETRIED]} failures were retried with success: their rows say success now"
    yield f"{fates[Fate.FAILED]} failures stayed failures, with their reasons"
    yield f"{fates[Fate.MOVED]} images were moved: their rows name the new place"
    yield f"{fates[Fate.DELETED]} images were deleted: their rows are gone for good"


def _line(row: GeneratedImageRecord) -> tuple[str, ...]:
    tool = (
        row.tool_name if len(row.tool_name) <= TOOL_WIDTH else row.tool_name[: TOOL_WIDTH - 1] + "…"
    )
    text = row.prompt if row.error is None else f"failed: {row.error}"
    return str(row.id), f"{row.created_at:%d %b %H:%M}", row.username or row.user_id, tool, text


def _extend(ends: dict[int, int], acknowledged: Iterable[Acknowledgement]) -> None:
    for acknowledgement in acknowledged:
        partition, offset = acknowledgement.partition, acknowledgement.offset
        ends[partition] = max(ends.get(partition, 0), offset + 1)
