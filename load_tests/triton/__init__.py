"""What Triton serves in the load tests: starter models, do-nothing models, recorded rows."""
