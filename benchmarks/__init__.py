"""Measurements on the embedded stack, each beside a bound taken in the same run."""
