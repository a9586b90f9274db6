"""The demonstration: the whole system on real images, in its own corner."""
