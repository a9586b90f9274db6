"""The settings, from the environment (and a .env file): the only place that reads it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from operations.generator_settings import GeneratorSettings
from operations.http_settings import HttpSettings
from operations.storage_settings import StorageSettings

Port = Annotated[int, Field(ge=0, le=65535)]

_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._%-]*)(?::(?:\d{1,5})?)?"
_DATABASE = re.compile(
    r"(?P<scheme>postgres(?:ql)?://)(?:(?P<user>[^:@/]*)(?P<password>:[^@/]*)?@)?"
    rf"(?P<hosts>{_HOST}(?:,{_HOST})*)(?P<path>/[^?@]*)?(?:\?.*)?",
    re.DOTALL,
)
"""As libpq reads it, with several hosts if need be. In a password it must find @ and / encoded."""
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")
_BROKER = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?")


class SettingsError(ValueError):
    """A setting is wrong; the message names the variable and never shows a secret."""


class Settings(GeneratorSettings, StorageSettings, HttpSettings):
    """Every setting, with its variable's name in upper case behind ``OMEGA_``.

    A server that is not configured is the embedded one, started on first use.
    """

    model_config = SettingsConfigDict(
        env_prefix="OMEGA_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        hide_input_in_errors=True,
    )

    home: Path = Field(
        Path(".omega"), description="Folder of the embedded stack and of local files"
    )
    topic: str = Field("omega-image-events", description="The topic of the events", min_length=1)
    topic_partitions: int = Field(6, description="Partitions of a new topic", ge=1, le=1024)
    topic_replication: int = Field(1, description="Replicas of a new topic", ge=1)
    topic_min_insync_replicas: int = Field(
        1, description="Replicas that must have an event before it is acknowledged", ge=1
    )

    kafka_bootstrap_servers: str | None = Field(
        None, description="host:port of the brokers, separated by commas; unset: the embedded Kafka"
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to talk to the brokers"
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        None, description="How to log in, with SASL"
    )
    kafka_sasl_username: str | None = Field(None, description="User name, with SASL")
    kafka_sasl_password: SecretStr | None = Field(None, description="Password, with SASL")
    kafka_tls_ca_file: Path | None = Field(None, description="Certificates to trust, with TLS")
    kafka_tls_certificate_file: Path | None = Field(None, description="The client's certificate")
    kafka_tls_key_file: Path | None = Field(None, description="The client's private key")
    kafka_tls_key_password: SecretStr | None = Field(None, description="Password of that key")

    database_url: SecretStr | None = Field(
        None,
        description="postgresql://user@host/db (else DATABASE_URL); unset: the embedded PostgreSQL",
        validation_alias=AliasChoices("OMEGA_DATABASE_URL", "DATABASE_URL"),
    )

    seal: bool = Field(
        True,
        description="Encrypt what is personal in events with a key of its user's (see erase)",
    )

    spool_path: Path | None = Field(
        None,
        description="File of events not yet acknowledged; unset: spool/TOPIC.db in the home folder",
    )
    spool_max_events: int = Field(
        100_000, description="So many events and tool calls may be in the spool", ge=1
    )
    spool_max_bytes: int = Field(
        256 * 2**20, description="So many bytes of events may wait in the spool", ge=2**20
    )

    traces_endpoint: str | None = Field(
        None, description="OTLP/HTTP URL that takes OpenTelemetry traces; unset: none are recorded"
    )
    traces_ratio: float = Field(
        1.0, description="Of traces that begin here, so large a part is recorded", ge=0, le=1
    )

    http_host: str = Field(
        "127.0.0.1", description="Where the web server listens, and workers tell their health"
    )
    http_port: Port = Field(
        0, description="The port for it; 0: any free one, named in the log, and 8080 for pages"
    )

    @field_validator("topic")
    @classmethod
    def _is_a_topic(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,249}", value) or value in {".", ".."}:
            raise ValueError("must be 1 to 249 of letters, digits, dots, dashes and underscores")
        return value

    @field_validator("topic_min_insync_replicas")
    @classmethod
    def _can_be_in_sync(cls, value: int, others: ValidationInfo) -> int:
        if value > others.data.get("topic_replication", value):
            raise ValueError("must not be more than OMEGA_TOPIC_REPLICATION")
        return value

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, value: SecretStr | None) -> SecretStr | None:
        url = value.get_secret_value() if value else ""
        if not url:
            return None
        found = _DATABASE.fullmatch(url)
        if found is None or _BAD_PERCENT.search(url) or not _ports_exist(found["hosts"]):
            raise ValueError(
                "must be postgresql://user:password@host:port/database, "
                "in which @, / and % of a password are written %40, %2F and %25"
            )
        return value

    @field_validator("kafka_bootstrap_servers")
    @classmethod
    def _are_brokers(cls, value: str | None) -> str | None:
        brokers = [part.strip() for part in value.split(",")] if value else []
        for broker in brokers:
            if not _BROKER.fullmatch(broker) or not _ports_exist(broker):
                raise ValueError("must be host:port, several separated by commas")
        return value or None

    @model_validator(mode="after")
    def _login_is_whole(self) -> Self:
        prefix, protocol = "OMEGA_KAFKA_", self.kafka_security_protocol
        if not protocol.startswith("SASL"):
            if self.kafka_sasl_mechanism is not None:
                why = f"must be SASL_SSL or SASL_PLAINTEXT with {prefix}SASL_MECHANISM"
                raise ValueError(f"{prefix}SECURITY_PROTOCOL: {why}")
            return self
        for name in ("sasl_mechanism", "sasl_username", "sasl_password"):
            if not getattr(self, f"kafka_{name}"):
                raise ValueError(f"{prefix}{name.upper()}: must be set with {protocol}")
        return self


class _Ours(BaseSettings):
    """Our own variable for the database, which counts before the general one wherever it is set."""

    model_config = Settings.model_config
    database_url: SecretStr | None = None


def load_settings() -> Settings:
    """The settings of this process. Raises SettingsError: one line for the first wrong variable."""
    ours: SecretStr | None = None
    try:
        ours = _Ours().database_url
        return Settings() if ours is None else Settings(OMEGA_DATABASE_URL=ours)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        why = first["msg"].removeprefix("Value error, ")
        if not first["loc"]:
            raise SettingsError(why) from None
        name = str(first["loc"][-1]).upper().removeprefix("OMEGA_")
        prefix = "" if name == "DATABASE_URL" and ours is None else "OMEGA_"
        raise SettingsError(f"{prefix}{name}: {why}") from None
    except (UnicodeDecodeError, OSError):
        raise SettingsError(".env: cannot be read as text in UTF-8") from None


def without_password(url: str) -> str:
    """A database's URL as it may be shown."""
    found = _DATABASE.fullmatch(url)
    if found is None:
        return "postgresql://"
    user = f"{found['user']}@" if found["user"] else ""
    return f"{found['scheme']}{user}{found['hosts']}{found['path'] or ''}"


def _ports_exist(hosts: str) -> bool:
    ports = re.findall(r":(\d+)(?=,|$)", re.sub(r"\[.*?\]", "", hosts))
    return all(0 < int(port) <= 65535 for port in ports)
