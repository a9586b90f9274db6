"""One value for two clients: both take what is made of it, and no secret shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from confluent_kafka import Producer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from schemas.kafka_connection import MECHANISMS, KafkaConnection

PASSWORD = "not-to-be-seen"


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """A certificate of its own authority, and its key under a password."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kafka.test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(PASSWORD.encode()),
        )
    )
    return str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("check", [True, False])
def test_librdkafka_takes_every_setting(
    files: tuple[str, str], mechanism: str, check: bool
) -> None:
    certificate, key = files
    connection = KafkaConnection(
        "127.0.0.1:9, 127.0.0.2:9",
        "SASL_SSL",
        sasl_mechanism=mechanism,
        sasl_username="ada",
        sasl_password=PASSWORD,
        tls_ca_file=certificate,
        tls_certificate_file=certificate,
        tls_key_file=key,
        tls_key_password=PASSWORD,
        tls_check_hostname=check,
    )
    settings = connection.librdkafka_settings()
    Producer(settings).close()
    assert settings["bootstrap.servers"] == "127.0.0.1:9,127.0.0.2:9"
    wanted = "https" if check else "none"
    assert settings["ssl.endpoint.identification.algorithm"] == wanted
    assert (
        settings["sasl.mechanism"] == mechanism == connection.client_arguments()["sasl_mechanism"]
    )
    assert PASSWORD not in repr(connection)


def test_what_is_not_given_is_left_to_the_library() -> None:
    settings = KafkaConnection("127.0.0.1:9").librdkafka_settings()
    assert not [name for name in settings if name.startswith(("sasl", "ssl"))]
