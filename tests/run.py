"""Every test, in two runs beside each other, as one leaves half of two processors idle.

`python -m tests.run`. Each run has servers of its own. What the first prints is seen at once, what
the second prints when both have ended. The exit code is 0 when both are green.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

FIRST = ("tests/integration",)
SECOND = ("tests/unit", "tests/contract", "tests/acceptance", "tests/browser", "tests/faults")


def main() -> int:
    """Run them; 1 when a test failed, 2 or more when pytest could not run."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as output:
        second = _pytest(SECOND, output)
        try:
            codes = [_pytest(FIRST, None).wait(), second.wait()]
        except KeyboardInterrupt:
            second.wait()
            codes = [2]
        output.seek(0)
        sys.stdout.flush()
        sys.stdout.buffer.write(output.read())
    _say(f"both runs took {(time.monotonic() - began) / 60:.1f} minutes; exit codes {codes}")
    return max(codes)


def _pytest(folders: tuple[str, ...], output: IO[bytes] | None) -> subprocess.Popen[bytes]:
    missing = [folder for folder in folders if not Path(folder).is_dir()]
    if missing:
        raise SystemExit(f"no folder {', '.join(missing)} here: start it in the project's folder")
    # A cache of each its own: the two would write over each other's.
    cache = f"cache_dir=.pytest_cache/{Path(folders[0]).name}"
    command = [sys.executable, "-m", "pytest", "-o", cache, *folders]
    errors = None if output is None else subprocess.STDOUT
    return subprocess.Popen(command, stdout=output, stderr=errors)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
