"""Faults in what a user brings, collected and told all at once."""

from __future__ import annotations

from pathlib import Path

from triton_models.settings import UsageError

SHOWN = 20  # faults of a listing


class Faults(list[tuple[str, int, str]]):
    """What is wrong: (file, line, text), told all at once. Line 0 is the whole file."""

    def add(self, place: str, line: int, text: str) -> None:
        self.append((place, line, text))

    def tell(self, manifest: Path) -> None:
        """Raises UsageError with every fault, if there is one."""
        told = [
            f"{place}:{line}: {text}" if line else f"{place}: {text}" for place, line, text in self
        ]
        if len(told) == 1:
            raise UsageError(told[0])
        if told:
            rest = [f"… and {len(told) - SHOWN} more"] if len(told) > SHOWN else []
            listing = "\n  ".join([*told[:SHOWN], *rest])
            raise UsageError(f"{manifest}: {len(told)} faults\n  {listing}")
