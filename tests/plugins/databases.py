"""A fresh, migrated database for each test, cloned from a template."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import psycopg
import pytest
from psycopg import Connection, conninfo, sql

from projections import migrate

_numbers = itertools.count(1)


def database(server: str, name: str) -> str:
    """The URL of a database beside the maintenance database."""
    base, _, _ = server.rpartition("/")
    return f"{base}/{name}"


def administer(server: str, statement: str, *names: str) -> None:
    """Run a statement about databases; the names are quoted into its {} places."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@pytest.fixture(scope="session")
def template_database(postgres_server: str) -> str:
    """The name of a database that the migrations have made."""
    administer(postgres_server, "CREATE DATABASE {}", "omega_template")
    migrate.upgrade(database(postgres_server, "omega_template"))
    return "omega_template"


@pytest.fixture(scope="session")
def new_database(
    postgres_server: str, template_database: str
) -> Callable[[], AbstractContextManager[str]]:
    """Makes databases with empty tables, for fixtures of a wider scope than one test's."""
    return contextmanager(partial(_fresh, postgres_server, template_database))


@pytest.fixture
def empty_database_url(postgres_server: str) -> Iterator[str]:
    """A database with nothing in it."""
    yield from _fresh(postgres_server, "template1")


@pytest.fixture
def database_url(postgres_server: str, template_database: str) -> Iterator[str]:
    """A database with empty tables."""
    yield from _fresh(postgres_server, template_database)


def _fresh(server: str, template: str) -> Iterator[str]:
    name = f"omega_test_{next(_numbers)}"
    administer(server, "CREATE DATABASE {} TEMPLATE {}", name, template)
    yield database(server, name)
    administer(server, "DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection[Any]]:
    """A connection in autocommit mode, with times in UTC."""
    url = conninfo.make_conninfo(database_url, options="-c timezone=UTC")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection
