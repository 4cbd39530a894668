"""The terms of a lexicon while it is made, each link with what it rests on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from worker.lexicon.words import Spelling, key

SOURCE = "source"  # of what source files of our own form say


class Link(NamedTuple):
    """Why a lexicon holds a name or a broader term.

    Attributes:
        kind: what it rests on, such as "rule" or "clicks".
        weight: probability of being right.
        counts: how often it was seen, and by which measure.
    """

    kind: str
    weight: float
    counts: dict[str, Any]


@dataclass(eq=False)
class Draft:
    """A term; equal to itself alone.

    Attributes:
        name: lower-case text.
        origins: what made it a term: the kind of source, and a count or a place.
        category: path such as "Shoes > Running", "" while it is not known.
        placed: what tells its category.
        sense: the starter's category, "" for a term that it has not: what kind of thing is meant.
        paths: of the categories that are called so.
        titles: of the catalogue, how many name it.
        synonyms: other names, each with why.
        parent: the broader term and why.
    """

    name: str
    origins: dict[str, Any] = field(default_factory=dict)
    category: str = ""
    placed: str = ""
    sense: str = ""
    paths: list[str] = field(default_factory=list)
    titles: int = 0
    synonyms: dict[str, Link] = field(default_factory=dict)
    parent: tuple[Draft, Link] | None = None

    def above(self) -> Iterator[Draft]:
        """The terms above it, the nearest first."""
        at = self.parent
        while at is not None:
            yield at[0]
            at = at[0].parent

    def meant(self) -> str:
        """The path that tells what kind of thing it is: of its own sense or of the nearest above
        that has one, else its category."""
        return self.sense or next((a.sense for a in self.above() if a.sense), self.category)

    def put_below(self, parent: Draft, link: Link) -> None:
        """Give it a broader term, unless it has one that is as sure, or a circle would come."""
        if self.parent is not None and self.parent[1].weight >= link.weight:
            return
        if parent is not self and self not in parent.above():
            self.parent = parent, link

    def leave_equals(self) -> None:
        """Stand below what the term above stands below, while that is another name of the same."""
        while self.parent is not None and self.is_called(self.parent[0], self.parent[1].weight):
            self.parent = self.parent[0].parent

    def place(self, category: str, by: str) -> None:
        """Give it a category, if there is one, and say what tells it."""
        if category:
            self.category, self.placed = category, by

    def is_called(self, other: Draft, least: float) -> bool:
        """Whether each is a name of the other, as surely as that."""
        names = self.synonyms.get(other.name), other.synonyms.get(self.name)
        return all(link is not None and link.weight >= least for link in names)

    def add_synonym(self, text: str, link: Link) -> None:
        """Add a name, or a better reason for one."""
        if key(text) != key(self.name) and (
            text not in self.synonyms or self.synonyms[text].weight < link.weight
        ):
            self.synonyms[text] = link


def make_synonyms(one: Draft, other: Draft, link: Link) -> None:
    """Let each be called by the other's name too."""
    one.add_synonym(other.name, link)
    other.add_synonym(one.name, link)


class Drafts:
    """Terms by what they are called, in any number and spelling."""

    def __init__(self, spelling: Spelling) -> None:
        self.spelling = spelling
        self.all: list[Draft] = []
        self._by_key: dict[str, Draft] = {}

    def __iter__(self) -> Iterator[Draft]:
        return iter(self.all)

    def __len__(self) -> int:
        return len(self.all)

    def forms(self) -> Iterator[tuple[str, Draft]]:
        """Every key with its term."""
        return iter(self._by_key.items())

    def get(self, text: str) -> Draft | None:
        """The term that a text names."""
        return self._by_key.get(key(text))

    def add(self, text: str, origin: str, told: Any, category: str = "") -> Draft:
        """The term of a text, made if there is none; the first category stays."""
        draft = self.get(text)
        if draft is None:
            draft = Draft(text)
            self.all.append(draft)
            self.point(text, draft)
        draft.origins.setdefault(origin, told)
        draft.category = draft.category or category
        return draft

    def point(self, text: str, draft: Draft) -> None:
        """Let a text, in each spelling, stand for a term, if it stands for none."""
        for form in self.spelling.keys(text):
            self._by_key.setdefault(form, draft)
