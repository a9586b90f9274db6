"""`python -m benchmarks`: every measurement, one after the other; `-m benchmarks NAME`: one."""

from __future__ import annotations

import sys
from importlib import import_module

NAMES = ("latency", "publish")


def main() -> None:
    """Run the named measurements, or all."""
    wanted = sys.argv[1:] or list(NAMES)
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        sys.exit(f"benchmarks: no measurement {unknown[0]!r}; there are: {', '.join(NAMES)}")
    for name in wanted:
        import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
