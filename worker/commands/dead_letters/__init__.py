"""`query-worker dead-letters`: what was rejected and why, and sending it through again."""
