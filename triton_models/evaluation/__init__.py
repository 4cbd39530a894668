"""Figures, reports and comparisons of models, and the dev sets of the starter models."""
