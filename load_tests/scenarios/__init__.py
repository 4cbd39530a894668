"""The scenarios: each takes a `Bench` and gives a `Result`."""
