"""The web server's process: its site built from the settings, served until a signal says stop."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

import structlog
import uvicorn

from operations.cleaning import condemned
from operations.http_settings import listed
from operations.pooling import open_pool
from operations.publishing import open_publisher
from operations.retention_policy import PolicyError, load_policy
from operations.settings import Settings
from operations.storing import open_local, open_stores
from operations.wiring import Ledger
from producers.metrics import ProducerMetrics
from projections.retention import Condemned
from web.app import create_app
from web.errors import ApiError
from web.limits import WebLimits
from web.metrics import WebMetrics
from web.site import Site
from web.tokens import TokenTable, parse_tokens, token_table

log = structlog.stdlib.get_logger(__name__)

POOL_SIZE = 8
POOL_WAIT_S = 5.0
CONNECTIONS = 512
"""So many at the same time; more are answered with 503."""
IDLE_S = 15
REQUESTS_S = 3
"""What is under way when a signal comes has so long to end,"""
EVENTS_S = 1.0
"""and events that are being sent so long; what is left stays in the spool."""


class NotSafe(Exception):
    """So the server would let in whom it should not: ``why``, and what to ``do``."""

    def __init__(self, why: str, do: str) -> None:
        super().__init__(f"{why}; {do}")
        self.why = why
        self.do = do


def check_exposure(settings: Settings, host: str) -> None:
    """Nobody gets in by accident. Raises NotSafe."""
    tokens, reading = tokens_of(settings), settings.http_open_reading
    if not is_loopback(host):
        if not tokens:
            raise NotSafe(
                "other machines reach this address, and there are no tokens",
                "set OMEGA_API_TOKENS=you:read+operate:TOKEN, or listen on 127.0.0.1",
            )
        if reading == "local":
            raise NotSafe(
                "other machines reach this address, and reading is open to this machine only",
                "set OMEGA_HTTP_OPEN_READING=public if everybody may see the images, else no",
            )
    if not tokens and reading == "no":
        raise NotSafe(
            "nobody may do anything: there are no tokens, and reading is not open",
            "set OMEGA_API_TOKENS=you:read+operate:TOKEN, or OMEGA_HTTP_OPEN_READING=local",
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that listens there. A doubtful name is not."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def tokens_of(settings: Settings) -> TokenTable:
    """The tokens of the settings."""
    text = settings.api_tokens
    return token_table(parse_tokens(text.get_secret_value()) if text else ())


@contextmanager
def open_site(ledger: Ledger, host: str) -> Iterator[Site]:
    """The site over the ledger, for a server that listens at ``host``. Raises SpoolError."""
    settings, url = ledger.settings, ledger.servers.database_url
    stores = open_stores(settings)
    pool = open_pool(url, "omega-web", least=1, most=POOL_SIZE, wait_s=POOL_WAIT_S)
    metrics = WebMetrics()
    publisher = open_publisher(ledger, ProducerMetrics(metrics.registry))
    try:
        yield Site(
            topic=ledger.topic,
            pool=pool,
            connect=ledger.connector("omega-web-own"),
            reader=ledger.reader,
            topic_state=ledger.topic_state,
            publisher=publisher,
            uploads=open_local(settings),
            stores=tuple(store for store in stores if store is not None),
            cache=settings.home / "cache",
            tokens=tokens_of(settings),
            open_reading=settings.http_open_reading != "no",
            open_uploads=settings.http_open_uploads,
            hosts=hosts_of(settings, host),
            https=(settings.http_public_url or "").startswith("https:"),
            limits=_limits(settings),
            metrics=metrics,
            would_free=_would_free(ledger),
        )
    finally:
        publisher.close(EVENTS_S)
        pool.close(EVENTS_S)


def hosts_of(settings: Settings, host: str) -> frozenset[str]:
    """The names by which it is asked for: its own, and those that the settings say."""
    public = urlsplit(settings.http_public_url or "").hostname
    # "0.0.0.0" and "::" are all addresses, and the name of none.
    own = [] if host in {"", "::", "0.0.0.0"} else [host]  # noqa: S104  # left out
    named = [*listed(settings.http_allowed_hosts), *own, *([public] if public else [])]
    bracketed = {f"[{name}]" if ":" in name and name[0] != "[" else name for name in named}
    return frozenset({"localhost", "127.0.0.1", "[::1]", *(n.lower() for n in bracketed)})


def _would_free(ledger: Ledger) -> Callable[[], Mapping[str, Condemned]] | None:
    """What each rule of the retention policy would remove; None where no policy is set."""
    path = ledger.settings.http_retention_policy
    if path is None:
        return None

    def would_free() -> Mapping[str, Condemned]:
        try:
            policy = load_policy(path)
        except PolicyError as exc:
            error = f"The retention policy cannot be used: {exc}"
            raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, error) from exc
        with closing(ledger.connect("omega-web-cleanup")) as connection:
            return condemned(connection, policy, datetime.now(UTC), dry_run=True)

    return would_free


def _limits(settings: Settings) -> WebLimits:
    return WebLimits(
        requests_per_minute=settings.http_requests_per_minute,
        anonymous_requests_per_minute=settings.http_anonymous_requests_per_minute,
    )


def run_server(ledger: Ledger, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT, which let what is under way end; a second one ends it at once.

    Raises NotSafe, SpoolError, and OSError when the port is taken.
    """
    check_exposure(ledger.settings, host)
    with _listening(host, port) as listener, open_site(ledger, host) as site:
        server = uvicorn.Server(_config(site, listed(ledger.settings.http_proxies)))
        # uvicorn gives signals back to whoever had them, once it has stopped: that is not the end.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        shown = f"[{host}]" if ":" in host else host
        url = ledger.settings.http_public_url or f"http://{shown}:{listener.getsockname()[1]}"
        log.info("web server started", url=url, topic=ledger.topic)
        server.run(sockets=[listener])
    log.info("web server stopped", topic=ledger.topic)


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host.strip("[]"), port), family=family, backlog=1024) as listener:
        yield listener


def _config(site: Site, proxies: list[str]) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(site),
        # Its lines would show addresses as they were sent; the guard writes its own.
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        lifespan="off",
        ws="none",
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=REQUESTS_S,
    )
