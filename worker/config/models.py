"""The models that the worker asks, by kind: each is a stage of its own."""

from __future__ import annotations

INTENT, ENCODER, MATCHING = MODELS = ("intent", "encoder", "matching")
TAGGING = "tagging"  # the model that may be left out
EVERY = (*MODELS, TAGGING)
