"""The commands of `query-worker`, each with all that only it needs."""
