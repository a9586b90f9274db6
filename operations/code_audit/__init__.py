"""Looking through a tool tree for images that are made or saved without being told."""

from operations.code_audit.scan import CodeFinding, ParserMissing, scan

__all__ = ["CodeFinding", "ParserMissing", "scan"]
