"""Which side of the split a key is on: learned from, or dev."""

from __future__ import annotations

import hashlib

DEV_SHARE = 15  # percent of the keys


def is_dev(key: str, share: int = DEV_SHARE) -> bool:
    """Whether a key (a query, a product) belongs to the development side, of `share` percent."""
    digest = hashlib.sha256(f"dev:{key.casefold()}".encode()).hexdigest()
    return int(digest[:8], 16) % 100 < share
