"""Text that is safe to show: without known secrets and without control characters."""

from __future__ import annotations

import threading

SHORTEST = 4  # characters; hiding shorter ones would tear other words apart
HIDDEN = "(hidden)"
_lock = threading.Lock()
_secrets: set[str] = set()


def hide(secret: str) -> None:
    """Leave this out of every text that `redacted` returns from now on."""
    if len(secret) >= SHORTEST:
        with _lock:
            _secrets.add(secret)


def redacted(text: str, lines: bool = False) -> str:
    """`text` without known secrets, and with everything that a terminal may obey as an escape.

    Such are control characters, ANSI sequences, line ends, and what reverses or hides writing.

    Args:
        lines: keep line breaks.
    """
    with _lock:
        known = sorted(_secrets, key=len, reverse=True)
    for secret in known:
        text = text.replace(secret, HIDDEN)
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() or (lines and c == "\n") else _escape(c) for c in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()
