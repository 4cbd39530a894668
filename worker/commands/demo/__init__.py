"""`query-worker demo`: an embedded broker and Triton, traffic, and the live view."""
