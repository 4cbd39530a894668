"""`query-worker dead-letters`: list and show what was rejected and why, and replay it."""
