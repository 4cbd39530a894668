"""What `search` chooses from for any network with a head of classes, beside its rate."""

from typing import Any

HEAD: dict[str, Any] = {
    "head_rate": {"low": 3e-4, "high": 1e-2, "log": True},
    "batch": [16, 32, 64],
    "dropout": {"low": 0.0, "high": 0.3},
    "smoothing": {"low": 0.0, "high": 0.2},
}
