"""The contract: what may stand on the topic."""
