"""Text that is safe to show: without known secrets and without control characters."""

from __future__ import annotations

SHORTEST = 4  # characters; shorter secrets occur inside other words
HIDDEN = "(hidden)"
_secrets: set[str] = set()  # without a lock, see `worker.config.secrets`


def hide(secret: str) -> None:
    """Replace this in every text that `redacted` returns from now on."""
    if len(secret) >= SHORTEST:
        _secrets.add(secret)


def redacted(text: str, lines: bool = False) -> str:
    """`text` without known secrets, and with all characters escaped that are not printable.

    Such are control characters, ANSI sequences, line ends and bidirectional controls.

    Args:
        lines: keep line breaks.
    """
    for secret in sorted(_secrets.copy(), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() or (lines and c == "\n") else _escape(c) for c in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()
