"""From events to tables, and from tables to answers."""
