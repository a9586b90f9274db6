"""The JSON Schema of every version of every event's data, as it was when it was released."""
