"""The starter lexicon's source files, read as training text.

One file a department; `[Path > Of > Category]` opens a category, a line below it is
`term = synonym, synonym < parent term`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from triton_models.settings import PACKAGE

SOURCE = PACKAGE.parent / "worker" / "lexicon" / "starter"


@dataclass(frozen=True)
class Term:
    """A shopping term."""

    name: str
    synonyms: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.synonyms)


def read_terms(folder: Path = SOURCE) -> list[Term]:
    """All terms of the lexicon's departments, in the order of their files."""
    terms: list[Term] = []
    for path in sorted(folder.glob("*.txt")):
        begun = False  # what stands before the first category is no term
        for line in path.read_text(encoding="utf-8").splitlines():
            line = line.split("#", 1)[0].strip()
            if line.startswith("["):
                begun = True
            elif line and begun:
                terms.append(_term(line))
    return terms


def _term(line: str) -> Term:
    name, _, synonyms = line.partition("<")[0].partition("=")
    others = tuple(s.strip() for s in synonyms.split(",") if s.strip())
    return Term(name.strip(), others)
