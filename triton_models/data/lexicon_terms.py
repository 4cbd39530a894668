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
    """A shopping term.

    Attributes:
        category: its path, such as "Shoes > Running".
        parent: the more general term, "" where there is none.
    """

    name: str
    synonyms: tuple[str, ...]
    parent: str
    category: str

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.synonyms)

    @property
    def department(self) -> str:
        return self.category.split(" > ")[0]


def read_terms(folder: Path = SOURCE) -> list[Term]:
    """All terms of the lexicon's departments, in the order of their files."""
    terms: list[Term] = []
    for path in sorted(folder.glob("*.txt")):
        category = ""
        for line in path.read_text(encoding="utf-8").splitlines():
            line = line.split("#", 1)[0].strip()
            if line.startswith("["):
                category = line.strip("[]")
            elif line and category:
                terms.append(_term(line, category))
    return terms


def _term(line: str, category: str) -> Term:
    rest, _, parent = line.partition("<")
    name, _, synonyms = rest.partition("=")
    others = tuple(s.strip() for s in synonyms.split(",") if s.strip())
    return Term(name.strip(), others, parent.strip(), category)
