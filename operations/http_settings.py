"""The settings of the web server: who may do what, and from where it is reached."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from web.tokens import parse_tokens

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]+\]")


class HttpSettings(BaseSettings):
    """Of the settings, those of ``serve`` alone."""

    api_tokens: SecretStr | None = Field(
        None,
        description="Who may use the web server: name:role+role:token, separated by commas; roles: "
        "read, ingest, operate; ingest@tool+tool for those tools only (see http.md)",
    )
    http_open_reading: Literal["no", "local", "public"] = Field(
        "no",
        description="Whether images are shown without a token: to this machine, or to everybody",
    )
    http_open_uploads: bool = Field(
        False, description="Whoever knows the URL of an image in local storage may load it"
    )
    http_retention_policy: Path | None = Field(
        None, description="Retention policy whose effect the page about storage tells"
    )
    http_public_url: str | None = Field(
        None, description="Where browsers reach the web server, when that is not where it listens"
    )
    http_allowed_hosts: str | None = Field(
        None, description="More host names that it answers to, separated by commas"
    )
    http_proxies: str | None = Field(
        None,
        description="Addresses or networks of reverse proxies, whose X-Forwarded-For is believed",
    )
    http_requests_per_minute: int = Field(6_000, description="Of one token", ge=1)
    http_anonymous_requests_per_minute: int = Field(
        1_200, description="Of one address without a token", ge=1
    )

    @field_validator("api_tokens")
    @classmethod
    def _are_tokens(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parse_tokens(value.get_secret_value())
        return value

    @field_validator("http_public_url")
    @classmethod
    def _is_where_browsers_go(cls, value: str | None) -> str | None:
        parts = urlsplit(value or "http://unset")
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            raise ValueError("must be an http:// or https:// URL, without a login in it")
        if parts.path not in {"", "/"} or parts.query or parts.fragment:
            raise ValueError("must be a host without a path: pages link to / and /static")
        return value or None

    @field_validator("http_allowed_hosts")
    @classmethod
    def _are_hosts(cls, value: str | None) -> str | None:
        for host in listed(value):
            if not _HOST.fullmatch(host.lower()):
                raise ValueError("must be host names without port, separated by commas")
        return value or None

    @field_validator("http_proxies")
    @classmethod
    def _are_addresses(cls, value: str | None) -> str | None:
        for address in listed(value):
            try:
                ip_network(address)
            except ValueError:
                raise ValueError("must be IP addresses or networks, separated by commas") from None
        return value or None


def listed(value: str | None) -> list[str]:
    """The parts of a setting that is separated by commas."""
    return [part.strip() for part in (value or "").split(",") if part.strip()]
