"""Who may do what: access tokens with roles, compared in constant time and kept as digests only."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, get_args

Role = Literal["read", "ingest", "operate"]
ROLES: tuple[Role, ...] = get_args(Role)

MIN_TOKEN = 16
MAX_TOKEN = 512

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TOKEN = re.compile(rf"[A-Za-z0-9._~+/=-]{{{MIN_TOKEN},{MAX_TOKEN}}}")
"""What a header may carry after ``Bearer`` (RFC 6750, 2.1)."""

FORM = "name:role+role:token, or name:ingest@tool+tool:token; several separated by commas"


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a token belongs to, and what it is good for."""

    name: str
    roles: frozenset[Role]
    tools: frozenset[str] | None = None
    """The only tools for which it may hand in events; None: any."""


@dataclass(frozen=True, slots=True)
class TokenTable:
    """All tokens. Not even this process can say what they were."""

    _key: bytes = field(repr=False)
    _entries: tuple[tuple[bytes, Holder], ...] = field(repr=False)

    def __bool__(self) -> bool:
        return bool(self._entries)

    def holder_of(self, token: str) -> Holder | None:
        """Whose it is. Takes the same time whichever it is, and whether it is one or not."""
        presented = _digest(self._key, token)
        found = None
        for digest, holder in self._entries:
            if hmac.compare_digest(digest, presented):
                found = holder
        return found


def token_table(tokens: Iterable[tuple[str, Holder]]) -> TokenTable:
    """The table of these tokens."""
    key = secrets.token_bytes(32)
    return TokenTable(key, tuple((_digest(key, token), holder) for token, holder in tokens))


def parse_tokens(text: str) -> list[tuple[str, Holder]]:
    """The tokens of a setting's text, as FORM says. Raises ValueError, which shows none of them."""
    found: list[tuple[str, Holder]] = []
    for number, entry in enumerate(filter(None, map(str.strip, text.split(","))), 1):
        token, holder = _parse(entry, number)
        if any(holder.name == other.name for _, other in found):
            raise ValueError(f"entry {number} has the name of another one")
        if any(token == other for other, _ in found):
            raise ValueError(f"entry {number} has the token of another one")
        found.append((token, holder))
    return found


def _parse(entry: str, number: int) -> tuple[str, Holder]:
    name, _, rest = entry.partition(":")
    rights, separator, token = rest.partition(":")
    roles, bound, tools = rights.partition("@")
    if not separator or not _NAME.fullmatch(name):
        raise ValueError(f"entry {number} must be {FORM}")
    asked = set(roles.split("+"))
    if not asked <= set(ROLES):
        raise ValueError(f"entry {number} must have roles of {', '.join(ROLES)}")
    if bound and (not all(tools.split("+")) or "ingest" not in asked):
        raise ValueError(f"entry {number} must name tools after @, and have the role ingest")
    if not _TOKEN.fullmatch(token):
        raise ValueError(
            f"entry {number} must have a token of {MIN_TOKEN} to {MAX_TOKEN} letters, digits and "
            ". _ ~ + / = -"
        )
    known = frozenset(role for role in ROLES if role in asked)
    return token, Holder(name, known, frozenset(tools.split("+")) if bound else None)


def _digest(key: bytes, token: str) -> bytes:
    return hashlib.blake2b(token.encode("utf-8", "surrogatepass"), key=key).digest()
