"""A client of the web server, in a process of its own: `python -m benchmarks.poster FIRST COUNT`.

Says that it is ready, waits for a line, posts its events in batches one after the other, and says
when the last was taken (as time.perf_counter, which all processes of a machine share on Linux).
"""

from __future__ import annotations

import os
import sys
import time

import httpx

from benchmarks.events import event
from schemas.codec import encode
from web.batches import BATCH
from web.guard import INGEST

SIZE = 500


def main() -> None:
    """Post."""
    first, count = int(sys.argv[1]), int(sys.argv[2])
    headers = {"Content-Type": BATCH, "Authorization": f"Bearer {os.environ['BENCH_TOKEN']}"}
    numbers = range(first, first + count)
    events = [encode(event(number)) for number in numbers]
    bodies = [b"[" + b",".join(events[n : n + SIZE]) + b"]" for n in range(0, count, SIZE)]
    with httpx.Client(base_url=os.environ["BENCH_URL"], timeout=60, headers=headers) as client:
        client.get("/healthz")
        print("ready", flush=True)
        sys.stdin.readline()
        for body in bodies:
            answer = client.post(INGEST, content=body)
            assert answer.status_code == 202, f"{answer.status_code}: {answer.text[:300]}"
        print(time.perf_counter(), flush=True)


if __name__ == "__main__":
    main()
