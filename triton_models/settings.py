"""What all parts of the models' side agree on."""

from __future__ import annotations

from pathlib import Path

LABELS = ("purchase", "browse", "inquiry", "complaint", "other")
STYLES = ("keywords", "fragment", "question", "sentence", "typo")
OUTPUT = {"intent": "probabilities", "encoder": "vector", "matching": "score"}
MAX_LENGTH = 64  # tokens, [CLS] and [SEP] included
BUCKETS = (8, 16, 32, 64)  # lengths, in tokens, that the worker pads to
MAX_BATCH_SIZE = 64

PACKAGE = Path(__file__).parent
DATA = PACKAGE / "data"
STARTER = PACKAGE / "starter"


class UsageError(Exception):
    """Something the user gave is wrong; the message is one line and names the remedy."""
