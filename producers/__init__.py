"""From a tool's call to an acknowledged event."""
