"""How to reach a Kafka cluster: one value that producers, consumers and tools are all given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


@dataclass(frozen=True, slots=True)
class KafkaConnection:
    """Addresses and credentials. Secrets show in no repr and no error.

    ``bootstrap_servers`` is host:port, several separated by commas. Raises ValueError for settings
    that contradict each other.
    """

    bootstrap_servers: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password: str | None = field(default=None, repr=False)
    tls_ca_file: str | None = None
    tls_certificate_file: str | None = None
    tls_key_file: str | None = None
    tls_key_password: str | None = field(default=None, repr=False)
    tls_check_hostname: bool = True
    client_id: str = "omega-images"

    def __post_init__(self) -> None:
        if not self.servers:
            raise ValueError("Kafka's bootstrap servers are empty: give host:port")
        if self.security_protocol not in PROTOCOLS:
            raise ValueError(
                f"security protocol {self.security_protocol!r} is none of {', '.join(PROTOCOLS)}"
            )
        if self.security_protocol.startswith("SASL"):
            self._check_sasl()
        elif self.sasl_mechanism is not None:
            raise ValueError(f"a SASL mechanism is given, but not with {self.security_protocol}")

    @property
    def servers(self) -> list[str]:
        """Each bootstrap server's host:port."""
        return [server.strip() for server in self.bootstrap_servers.split(",") if server.strip()]

    def client_arguments(self) -> dict[str, Any]:
        """The keyword arguments that all of kafka-python's clients take."""
        arguments: dict[str, Any] = {
            "bootstrap_servers": self.servers,
            "client_id": self.client_id,
            "security_protocol": self.security_protocol,
            "sasl_mechanism": self.sasl_mechanism,
            "sasl_plain_username": self.sasl_username,
            "sasl_plain_password": self.sasl_password,
        }
        if self.security_protocol.endswith("SSL"):
            arguments |= {
                "ssl_cafile": self.tls_ca_file,
                "ssl_certfile": self.tls_certificate_file,
                "ssl_keyfile": self.tls_key_file,
                "ssl_password": self.tls_key_password,
                "ssl_check_hostname": self.tls_check_hostname,
            }
        return arguments

    def librdkafka_settings(self) -> dict[str, Any]:
        """The settings that all of librdkafka's clients take (its CONFIGURATION.md)."""
        settings = {
            # As syslog(3) has it: what it tells otherwise it sees to by itself.
            "log_level": 3,
            "bootstrap.servers": ",".join(self.servers),
            "client.id": self.client_id,
            "security.protocol": self.security_protocol,
            "sasl.mechanism": self.sasl_mechanism,
            "sasl.username": self.sasl_username,
            "sasl.password": self.sasl_password,
        }
        if self.security_protocol.endswith("SSL"):
            settings |= {
                "ssl.ca.location": self.tls_ca_file,
                "ssl.certificate.location": self.tls_certificate_file,
                "ssl.key.location": self.tls_key_file,
                "ssl.key.password": self.tls_key_password,
                "ssl.endpoint.identification.algorithm": "https"
                if self.tls_check_hostname
                else "none",
            }
        return {name: value for name, value in settings.items() if value is not None}

    def _check_sasl(self) -> None:
        if self.sasl_mechanism not in MECHANISMS:
            raise ValueError(
                f"SASL mechanism {self.sasl_mechanism!r} is none of {', '.join(MECHANISMS)}"
            )
        if not (self.sasl_username and self.sasl_password):
            raise ValueError(f"{self.security_protocol} needs a user name and a password")
