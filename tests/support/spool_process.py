"""A process that works on a spool, to be killed: `python -m tests.support.spool_process`."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from producers.spool import Spool
from producers.spool_rows import SpoolEntry

THREADS = 4


def main() -> None:
    """PATH append NAME COUNT: append, say each id once it is durable. PATH drain: claim, say."""
    path, what, *rest = sys.argv[1:]
    spool = Spool(Path(path))
    if what == "append":
        threads = [
            threading.Thread(target=_append, args=(spool, f"{rest[0]}{thread}", int(rest[1])))
            for thread in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    else:
        _drain(spool)
    spool.close()


def _append(spool: Spool, name: str, count: int) -> None:
    for number in range(count):
        spool.append(SpoolEntry(f"{name}-{number}", "r", b"x" * 500), claim=number % 2 == 0)
        _say(f"{name}-{number}")
        if number % 2 == 0:
            spool.released(f"{name}-{number}", None)


def _drain(spool: Spool) -> None:
    """Until the input ends, then until nothing is left to claim."""
    ended = threading.Event()
    threading.Thread(target=_wait_for_end, args=(ended,), daemon=True).start()
    while True:
        last = ended.is_set()
        claimed = spool.claim(7)
        for row in claimed:
            _say(row.event_id)
            spool.acknowledged(row.event_id)
        if last and not claimed:
            return


def _wait_for_end(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
