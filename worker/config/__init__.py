"""Settings: what they are, where they come from, and how they change in a running worker."""
