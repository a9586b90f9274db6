"""Fixtures for all tests; each concern has its plugin."""

from __future__ import annotations

pytest_plugins = (
    "tests.plugins.logs",
    "tests.plugins.servers",
    "tests.plugins.databases",
    "tests.plugins.topics",
    "tests.plugins.own_broker",
    "tests.plugins.own_postgres",
    "tests.plugins.signals",
)
