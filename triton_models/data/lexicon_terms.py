"""The starter lexicon's source files, read as training text.

One file a department; `[Path > Of > Category]` opens a category, a line below it is
`term = synonym, synonym < parent term`.
"""

from __future__ import annotations

from collections.abc import Iterator

from triton_models.settings import PACKAGE

SOURCE = PACKAGE.parent / "worker" / "lexicon" / "starter"


def read_names() -> Iterator[str]:
    """The names of all terms, each before its synonyms, in the order of the files."""
    for path in sorted(SOURCE.glob("*.txt")):
        begun = False  # what stands before the first category is no term
        for line in path.read_text(encoding="utf-8").splitlines():
            line = line.split("#", 1)[0].strip()
            if line.startswith("["):
                begun = True
            elif line and begun:
                yield from _names(line)


def _names(line: str) -> Iterator[str]:
    name, _, synonyms = line.partition("<")[0].partition("=")
    yield name.strip()
    yield from (s.strip() for s in synonyms.split(",") if s.strip())
