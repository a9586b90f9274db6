"""A tree of sources, file by file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from operations.code_audit import python_code
from operations.code_audit.names import SUPPRESSED, Names

PYTHON = frozenset({".py"})
SCRIPTS = frozenset({".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs"})
LEFT_OUT = frozenset({"node_modules", ".git", ".venv", "dist", "build", "__pycache__", ".next"})
MAX_BYTES = 2_000_000
DO = "wrap it in track(…), or publish what came of it"


class ParserMissing(Exception):
    """There is TypeScript here, and its parser is not installed."""


class CodeFinding(NamedTuple):
    """A place in code."""

    file: str
    line: int
    reason: str
    do: str = DO


def scan(root: Path, names: Names) -> tuple[int, list[CodeFinding]]:
    """How many files were read, and what is made or saved in them without being told.

    Raises ParserMissing, OSError.
    """
    found: list[CodeFinding] = []
    files = [root] if root.is_file() else sorted(_sources(root))
    for path in files:
        shown = str(path.relative_to(root)) if root.is_dir() else path.name
        found += _of_file(path, shown, names)
    return len(files), found


def _sources(root: Path) -> Iterator[Path]:
    for path in root.iterdir():
        if path.is_symlink() or path.name in LEFT_OUT:
            continue
        if path.is_dir():
            yield from _sources(path)
        elif path.suffix in PYTHON | SCRIPTS and not path.name.endswith(".d.ts"):
            yield path


def _of_file(path: Path, shown: str, names: Names) -> Iterator[CodeFinding]:
    source = path.read_bytes()
    if len(source) > MAX_BYTES:
        yield CodeFinding(shown, 1, f"is larger than {MAX_BYTES:,} bytes, and was not read", "look")
        return
    lines = source.decode("utf-8", "replace").splitlines()
    try:
        for line, reason in _untold(path, source, names):
            around = lines[max(0, line - 2) : line]
            if not any(SUPPRESSED in one for one in around):
                yield CodeFinding(shown, line, reason)
    except (SyntaxError, ValueError) as exc:
        line = getattr(exc, "lineno", None) or getattr(exc, "line", None) or 1
        yield CodeFinding(shown, line, "cannot be parsed", "look at it by hand")


def _untold(path: Path, source: bytes, names: Names) -> Iterator[tuple[int, str]]:
    if path.suffix in PYTHON:
        yield from python_code.untold(source.decode("utf-8"), names)
        return
    try:
        from operations.code_audit import script_code  # its packages are an extra
    except ModuleNotFoundError as exc:
        raise ParserMissing(
            f"{exc.name} is not installed: pip install 'omega-images[audit]'"
        ) from None
    yield from script_code.untold(source, names, jsx=path.suffix in {".tsx", ".jsx", ".js"})
