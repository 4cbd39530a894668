"""Load tests: the worker beside reference programs, on real servers, every record accounted for."""
