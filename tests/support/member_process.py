"""A group's member in a process of its own, which a test may kill.

As a script: BOOTSTRAP TOPIC GROUP [INSTANCE_ID]; prints what it holds whenever that changes.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from types import TracebackType

from consumers.kafka_log import GroupSettings, KafkaGroupLog
from schemas.kafka_connection import KafkaConnection


class MemberProcess:
    """Runs this module; killed, if it still lives, when the block ends."""

    def __init__(
        self, bootstrap: str, topic: str, group: str, instance_id: str | None = None
    ) -> None:
        arguments = [bootstrap, topic, group, *([instance_id] if instance_id else [])]
        self.held: set[int] = set()
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def kill(self) -> None:
        """End it at once, without a goodbye: kill -9."""
        self._process.kill()
        self._process.wait(10)
        self._listener.join(10)

    def __enter__(self) -> MemberProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.held = {int(number) for number in line.split()}


def main(bootstrap: str, topic: str, group: str, instance_id: str | None = None) -> None:
    """Poll until killed."""
    settings = GroupSettings(instance_id=instance_id)
    log = KafkaGroupLog(KafkaConnection(bootstrap), topic, group, settings=settings)
    held: set[int] = set()
    while True:
        log.poll(0.2, 100)
        change = log.rebalanced()
        held = (held - change.revoked) | change.assigned
        if change.assigned or change.revoked:
            print(*sorted(held), flush=True)  # noqa: T201  this is what the script is for


if __name__ == "__main__":
    main(*sys.argv[1:])
