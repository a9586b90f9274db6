"""The settings, from the environment (and a .env file): the only place that reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit, urlunsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Port = Annotated[int, Field(ge=0, le=65535)]


class SettingsError(ValueError):
    """A setting is wrong; the message names the variable and never shows a secret."""


class Settings(BaseSettings):
    """Every setting, with its variable's name in upper case behind ``OMEGA_``.

    A server that is not configured is the embedded one, started on first use.
    """

    model_config = SettingsConfigDict(
        env_prefix="OMEGA_", env_file=".env", extra="ignore", hide_input_in_errors=True
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

    storage_folder: Path | None = Field(
        None, description="Folder of local storage; unset: uploads/ in the home folder"
    )
    storage_base_url: str = Field(
        "http://127.0.0.1:8080/uploads", description="Where local storage's folder is served"
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

    http_host: str = Field("127.0.0.1", description="Where workers tell their health")
    http_port: Port = Field(0, description="The port for it; 0: any free one, named in the log")

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None or not value.get_secret_value():
            return None
        if urlsplit(value.get_secret_value()).scheme not in ("postgres", "postgresql"):
            raise ValueError("must begin with postgresql://")
        return value

    @field_validator("kafka_bootstrap_servers")
    @classmethod
    def _not_empty(cls, value: str | None) -> str | None:
        return value or None


def load_settings() -> Settings:
    """The settings of this process. Raises SettingsError: one line for the first wrong variable."""
    try:
        return Settings()
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][-1]).upper()
        variable = name if name.endswith("DATABASE_URL") else f"OMEGA_{name}"
        raise SettingsError(f"{variable}: {first['msg'].removeprefix('Value error, ')}") from None


def without_password(url: str) -> str:
    """A database's URL as it may be shown."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    user = f"{parts.username}@" if parts.username else ""
    return urlunsplit((parts.scheme, f"{user}{host}{port}", parts.path, "", ""))
