"""How outputs and offsets become durable: at least once, or exactly once."""
