"""Programs that the worker is compared with."""
