"""From a topic to a projection, exactly once."""
