"""HTTP: ingest, read API and dashboard."""
