"""Real faults under a running load, and the judgement of what is left."""
