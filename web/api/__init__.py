"""The API under /api/v1: for reading, and for mending what was set aside."""
