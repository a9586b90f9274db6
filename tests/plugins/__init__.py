"""Fixtures, a module for each concern."""
