"""Where the web server would let in whom it should not, it does not start."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from operations.http_settings import HttpSettings
from operations.serving import NotSafe, check_exposure, hosts_of, is_loopback
from operations.settings import Settings, SettingsError, load_settings
from tests.support.running import Shell
from tests.support.web import TABLE, TOKENS

EVERYWHERE = "0.0.0.0"  # noqa: S104  # what is asked for here
LOCAL = "127.0.0.1"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is set, and there is no .env file."""
    for name in list(os.environ):
        if name.startswith("OMEGA_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("host", "tokens", "reading", "why"),
    [
        (LOCAL, None, "no", "nobody may do anything"),
        (LOCAL, None, "local", None),
        (LOCAL, None, "public", None),
        (LOCAL, TABLE, "no", None),
        (LOCAL, TABLE, "local", None),
        (EVERYWHERE, None, "no", "there are no tokens"),
        (EVERYWHERE, None, "local", "there are no tokens"),
        (EVERYWHERE, None, "public", "there are no tokens"),
        (EVERYWHERE, TABLE, "no", None),
        (EVERYWHERE, TABLE, "local", "to this machine only"),
        (EVERYWHERE, TABLE, "public", None),
        ("images.example", None, "no", "there are no tokens"),
        ("::", TABLE, "local", "to this machine only"),
        ("::1", TABLE, "local", None),
    ],
)
def test_what_is_not_said_is_not_open(
    monkeypatch: pytest.MonkeyPatch, host: str, tokens: str | None, reading: str, why: str | None
) -> None:
    monkeypatch.setenv("OMEGA_HTTP_OPEN_READING", reading)
    monkeypatch.setenv("OMEGA_API_TOKENS", tokens or "")
    said = None
    try:
        check_exposure(load_settings(), host)
    except NotSafe as exc:
        said = exc.why
    assert (said is None) == (why is None)
    assert (why or "") in (said or "")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("[::1]", True),
        (EVERYWHERE, False),
        ("::", False),
        ("", False),
        ("192.168.1.4", False),
        ("localhost.example.org", False),
    ],
)
def test_only_what_is_surely_this_machine_is(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_it_is_asked_for_by_the_names_that_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMEGA_HTTP_PUBLIC_URL", "https://Images.example.org:8443")
    monkeypatch.setenv("OMEGA_HTTP_ALLOWED_HOSTS", "web, Other.example")
    always = {"localhost", "127.0.0.1", "[::1]"}
    named = {"images.example.org", "web", "other.example"}
    assert hosts_of(load_settings(), "fe80::1") == always | named | {"[fe80::1]"}
    assert hosts_of(load_settings(), EVERYWHERE) == always | named


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OMEGA_API_TOKENS", f"me:{TOKENS['bot']}"),
        ("OMEGA_API_TOKENS", "me:read:short"),
        ("OMEGA_HTTP_OPEN_READING", "yes"),
        ("OMEGA_HTTP_PUBLIC_URL", "ftp://images.example"),
        ("OMEGA_HTTP_PUBLIC_URL", f"https://u:{TOKENS['bot']}@images.example"),
        ("OMEGA_HTTP_PUBLIC_URL", "https://images.example/omega"),
        ("OMEGA_HTTP_PUBLIC_URL", "https://[::1"),
        ("OMEGA_HTTP_ALLOWED_HOSTS", "*"),
        ("OMEGA_HTTP_ALLOWED_HOSTS", "a:80"),
        ("OMEGA_HTTP_PROXIES", "*"),
        ("OMEGA_HTTP_PROXIES", "10.0.0.0/33"),
        ("OMEGA_HTTP_REQUESTS_PER_MINUTE", "0"),
    ],
)
def test_a_wrong_setting_is_named_and_no_token_is_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=f"^{variable}: ") as caught:
        load_settings()
    assert TOKENS["bot"] not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_tokens_are_in_no_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMEGA_API_TOKENS", TABLE)
    assert not any(token in repr(load_settings()) for token in TOKENS.values())


def test_the_command_says_it_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shell = Shell(capsys)
    code, line = shell.fails("serve", "--host", EVERYWHERE)
    assert code == 2
    assert "there are no tokens" in line
    assert "set OMEGA_API_TOKENS=" in line
    # Nothing has been started or made by then.
    assert list(tmp_path.iterdir()) == []


def test_all_of_these_settings_are_of_the_web() -> None:
    names = set(HttpSettings.model_fields)
    assert names <= set(Settings.model_fields)
    assert all(name.startswith(("http_", "api_")) for name in names)
