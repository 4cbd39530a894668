"""What options take: numbers, each held to its range by argparse."""

from __future__ import annotations

import argparse


def whole(text: str) -> int:
    """A whole number, 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def above_zero(text: str) -> int:
    if whole(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def share(text: str) -> float:
    """A number from 0 to 1."""
    if not 0.0 <= (value := amount(text)) <= 1.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 0 and 1")
    return value


def amount(text: str) -> float:
    """A number, 0 or more."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number, 0 or more")
    return value


def above_nothing(text: str) -> float:
    """A number above 0."""
    if not (value := amount(text)):
        raise argparse.ArgumentTypeError("0 is not above 0")
    return value


def numbers(text: str) -> tuple[int, ...]:
    """Different whole numbers from 0, rising, as 0,2,4."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not like 0,2,4")
    return tuple(sorted({int(part) for part in parts}))


def shares(text: str) -> tuple[float, ...]:
    """Different numbers above 0 and up to 1, rising, as 0.25,0.5,1."""
    found = tuple(sorted({share(part.strip()) for part in text.split(",")}))
    if not found[0]:
        raise argparse.ArgumentTypeError("0 is not above 0")
    return found


def sizes(text: str) -> tuple[int, ...]:
    """Different whole numbers above 0, the largest first."""
    return tuple(sorted({above_zero(part.strip()) for part in text.split(",")}, reverse=True))
