"""The worker's own HTTP: metrics and health."""
