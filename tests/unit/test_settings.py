"""The settings: a wrong one is named in one line, and no secret is ever shown."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from operations.settings import Settings, SettingsError, load_settings, without_password

SECRET = "hunter2"
REFUSED = "refused, without a word of it"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is set, and there is no .env file."""
    for name in list(os.environ):
        if name.startswith("OMEGA_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def url_of(found: Settings) -> str | None:
    return found.database_url.get_secret_value() if found.database_url else None


def shown_of_the_database() -> str:
    """What people see of the database's URL, or of the complaint about it."""
    try:
        url = url_of(load_settings())
    except SettingsError as exc:
        return str(exc) if SECRET in str(exc) else REFUSED
    return without_password(url or "")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OMEGA_TOPIC_PARTITIONS", "0"),
        ("OMEGA_TOPIC_PARTITIONS", "1025"),
        ("OMEGA_TOPIC_PARTITIONS", SECRET),
        ("OMEGA_TOPIC_MIN_INSYNC_REPLICAS", "2"),
        ("OMEGA_TOPIC", "two words"),
        ("OMEGA_TOPIC", ".."),
        ("OMEGA_TOPIC", "x" * 250),
        ("OMEGA_HTTP_PORT", "65536"),
        ("OMEGA_SPOOL_MAX_BYTES", "many"),
        ("OMEGA_KAFKA_SECURITY_PROTOCOL", "TLS"),
        ("OMEGA_KAFKA_SASL_MECHANISM", SECRET),
        ("OMEGA_KAFKA_BOOTSTRAP_SERVERS", "localhost:kafka"),
        ("OMEGA_KAFKA_BOOTSTRAP_SERVERS", "a:9092,b:0"),
        ("OMEGA_KAFKA_BOOTSTRAP_SERVERS", "a:99999"),
        ("OMEGA_KAFKA_BOOTSTRAP_SERVERS", f"http://a:{SECRET}@b:9092"),
        ("OMEGA_KAFKA_BOOTSTRAP_SERVERS", " , "),
        ("OMEGA_DATABASE_URL", f"mysql://u:{SECRET}@h/db"),
        ("OMEGA_DATABASE_URL", f"host=h password={SECRET}"),
        ("OMEGA_DATABASE_URL", f"postgresql://u:{SECRET}/x@h/db"),
        ("OMEGA_DATABASE_URL", f"postgresql://u:{SECRET}@x@h/db"),
        ("OMEGA_DATABASE_URL", f"postgresql://u:{SECRET}%ss@h/db"),
        ("OMEGA_DATABASE_URL", f"postgresql://u:{SECRET}@h\u2100/db"),
        ("OMEGA_DATABASE_URL", f"postgresql://u:{SECRET}@h:port/db"),
        ("OMEGA_DATABASE_URL", f"postgresql://u:{SECRET}@h:99999/db"),
        ("OMEGA_DATABASE_URL", f"postgresql://u:{SECRET}@[h/db"),
        ("DATABASE_URL", f"mysql://u:{SECRET}@h/db"),
    ],
)
def test_a_wrong_variable_is_named_and_its_value_is_not(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    said = str(raised.value)
    assert said.startswith(f"{variable}: ")
    assert "\n" not in said
    assert SECRET not in said
    assert raised.value.__suppress_context__


@pytest.mark.parametrize(
    ("wrong", "variable"),
    [
        ({"PROTOCOL": "SASL_SSL"}, "MECHANISM"),
        ({"PROTOCOL": "SASL_SSL", "MECHANISM": "PLAIN", "USERNAME": "u"}, "PASSWORD"),
        ({"PROTOCOL": "SASL_SSL", "MECHANISM": "PLAIN", "PASSWORD": SECRET}, "USERNAME"),
        ({"MECHANISM": "PLAIN", "USERNAME": "u", "PASSWORD": SECRET}, "PROTOCOL"),
    ],
)
def test_half_a_login_is_named(
    wrong: dict[str, str], variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {name: f"OMEGA_KAFKA_SASL_{name}" for name in ("MECHANISM", "USERNAME", "PASSWORD")}
    names["PROTOCOL"] = "OMEGA_KAFKA_SECURITY_PROTOCOL"
    for name, value in wrong.items():
        monkeypatch.setenv(names[name], value)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert names[variable] in str(raised.value)
    assert SECRET not in str(raised.value)


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"OMEGA_TOPIC=\xff\xfe\n")
    with pytest.raises(SettingsError, match=r"^\.env: "):
        load_settings()


def test_the_general_variable_serves_where_ours_is_unset_or_empty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert url_of(load_settings()) is None
    monkeypatch.setenv("DATABASE_URL", "postgres://general/db")
    assert url_of(load_settings()) == "postgres://general/db"
    monkeypatch.setenv("OMEGA_DATABASE_URL", "")
    assert url_of(load_settings()) == "postgres://general/db"
    monkeypatch.setenv("OMEGA_DATABASE_URL", "postgresql://ours/db")
    assert url_of(load_settings()) == "postgresql://ours/db"


def test_ours_counts_wherever_it_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OMEGA_DATABASE_URL=postgresql://file/db\nOMEGA_TOPIC=of-file\n")
    monkeypatch.setenv("DATABASE_URL", "postgres://general/db")
    monkeypatch.setenv("OMEGA_TOPIC", "of-environment")
    assert url_of(load_settings()) == "postgresql://file/db"
    assert load_settings().topic == "of-environment"


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    unset = load_settings()
    for name in Settings.model_fields:
        monkeypatch.setenv(f"OMEGA_{name.upper()}", "")
    monkeypatch.setenv("DATABASE_URL", "")
    assert load_settings() == unset


def test_no_secret_is_in_the_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMEGA_DATABASE_URL", f"postgresql://u:{SECRET}@h/db")
    monkeypatch.setenv("OMEGA_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("OMEGA_KAFKA_SASL_MECHANISM", "PLAIN")
    monkeypatch.setenv("OMEGA_KAFKA_SASL_USERNAME", "u")
    monkeypatch.setenv("OMEGA_KAFKA_SASL_PASSWORD", SECRET)
    monkeypatch.setenv("OMEGA_KAFKA_TLS_KEY_PASSWORD", SECRET)
    assert SECRET not in repr(load_settings())


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"postgresql://u:{SECRET}@h:5433/db", "postgresql://u@h:5433/db"),
        (f"postgresql://u:{SECRET}@h/db?sslmode=require&password={SECRET}", "postgresql://u@h/db"),
        (f"postgresql://u:{SECRET}@h1:5432,h2:5433/db", "postgresql://u@h1:5432,h2:5433/db"),
        (f"postgresql://u:{SECRET}#?@[::1]:5432/db", "postgresql://u@[::1]:5432/db"),
        (f"postgresql:///db?host=/tmp&password={SECRET}", "postgresql:///db"),
        ("postgresql://h", "postgresql://h"),
    ],
)
def test_good_urls_are_taken_and_shown_without_their_password(
    url: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMEGA_DATABASE_URL", url)
    assert url_of(load_settings()) == url
    assert without_password(url) == shown


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(password=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
@example(password="a/b")
@example(password="@/")
@example(password="a@b#c?d[e]:1%2f%")
def test_whatever_the_password_is_it_is_never_shown(
    password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = f"{SECRET}{password}{SECRET}"
    monkeypatch.setenv("OMEGA_DATABASE_URL", f"postgresql://u:{mark}@h:5432/db")
    assert shown_of_the_database() in {"postgresql://u@h:5432/db", REFUSED}


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"PROVIDER": "github"}, "OMEGA_STORAGE_GITHUB_REPOSITORY: must be set with github"),
        (
            {"PROVIDER": "github", "GITHUB_REPOSITORY": "ada/omega"},
            "OMEGA_STORAGE_GITHUB_TOKEN: must be set with github",
        ),
        ({"PROVIDER": "s3"}, "OMEGA_STORAGE_S3_BUCKET: must be set with s3"),
        ({"GITHUB_REPOSITORY": "omega"}, "OMEGA_STORAGE_GITHUB_REPOSITORY: must be owner/name"),
        ({"PATH": "../etc"}, "OMEGA_STORAGE_PATH: must be names"),
        ({"S3_ENDPOINT": f"http://u:{SECRET}@h"}, "OMEGA_STORAGE_S3_ENDPOINT: must be an http"),
        ({"S3_ACCESS_KEY_ID": SECRET}, "OMEGA_STORAGE_S3_SECRET_ACCESS_KEY: the key's id"),
    ],
)
def test_half_a_store_is_named_without_a_secret(
    variables: dict[str, str], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"OMEGA_STORAGE_{name}", value)
    with pytest.raises(SettingsError, match=re.escape(why)) as caught:
        load_settings()
    assert SECRET not in str(caught.value)
