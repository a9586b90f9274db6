"""Commands run in this process, as ``omega-images WORDS`` would run them in another."""

from __future__ import annotations

import logging

from operations.main import main


def exit_code(*words: str) -> int:
    """Run the command; what the process would end with. Logs are as before, then."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        main(words)
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    finally:
        root.handlers = handlers
        root.setLevel(level)
    return 0
