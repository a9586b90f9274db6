"""Tests: unit, contract, integration and acceptance."""
