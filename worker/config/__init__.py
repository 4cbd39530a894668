"""Settings: their models, their sources, and how they change in a running worker."""
