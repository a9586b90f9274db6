"""A real Kafka and a real PostgreSQL from Python packages alone, on free loopback ports."""
