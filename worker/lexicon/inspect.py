"""Looks inside a built lexicon: what it knows of a term, what is like a text, what has changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from triton_models.query_text import normal_form
from worker.errors import LexiconError
from worker.lexicon import built
from worker.lexicon.building.report import EVIDENCE
from worker.lexicon.built import Built
from worker.lexicon.words import key, stems

SHOWN = 10  # neighbours, narrower terms, hits


class Inspector:
    """A built lexicon, and the evidence of its links where the build left some.

    Attributes:
        made_by: hash of the encoder's `model.onnx`, and the prompt that it read before each term.

    Raises:
        LexiconError: the lexicon cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts: Built = built.read(folder)
        self.terms = self._parts.terms
        self.version: str = self._parts.manifest["version"]
        self.made_by: tuple[str, str] = (
            self._parts.manifest["encoder_onnx_sha256"],
            self._parts.manifest.get("document_prompt", ""),
        )

    def show(self, text: str) -> dict[str, Any]:
        """What is known of the term that a text names.

        Raises:
            LexiconError: it names none; the message has those that are alike.
        """
        form = normal_form(text)
        term_id = self.terms.term_of(key(form))
        if term_id is None or term_id < 0:
            alike = ", ".join(self.terms.name(n) for n in self.lexical(form)[:5])
            remedy = f"similar are: {alike}" if alike else "see `query-worker lexicon search`"
            raise LexiconError(f"{text!r}: no term of the lexicon; {remedy}")
        known = evidence(self._folder, len(self.terms))
        why = known[term_id] if known else {}
        return {
            "term": self.terms.name(term_id),
            "category": self.terms.category(term_id),
            "category_by": why.get("category_by"),
            "names": self._names(term_id, why),
            "parent": self._parent(term_id, why),
            "narrower": [self.terms.name(n) for n in self._narrower(term_id)],
            "neighbours": self._neighbours(term_id),
            "titles": why.get("titles"),
            "origins": why.get("origins"),
        }

    def _names(self, term_id: int, why: dict[str, Any]) -> list[dict[str, Any]]:
        given = why.get("names", {})
        told = {self.terms.text_of(key(text)) or text: link for text, link in given.items()}
        used = self.terms.names(term_id)[1:]
        names = [{"name": text, "used": True, **told.pop(text, {})} for text in used]
        return names + [{"name": text, "used": False, **link} for text, link in told.items()]

    def _parent(self, term_id: int, why: dict[str, Any]) -> dict[str, Any] | None:
        above = self.terms.parent(term_id)
        return None if above is None else {"term": self.terms.name(above)} | why.get("parent", {})

    def _narrower(self, term_id: int) -> list[int]:
        return [n for n in range(len(self.terms)) if self.terms.parent(n) == term_id][:SHOWN]

    def _neighbours(self, term_id: int) -> list[dict[str, Any]]:
        vector = self._parts.vectors.get(term_id)[None]
        return [hit for hit in self.nearest(vector, SHOWN + 1) if hit["id"] != term_id][:SHOWN]

    def nearest(self, vector: np.ndarray, count: int = SHOWN) -> list[dict[str, Any]]:
        """The terms nearest to a vector: float32, shape [1, dimension], unit length."""
        [ids], [cosines] = self._parts.vectors.nearest(vector, count)
        return [
            {"term": self.terms.name(n), "cosine": round(cosine, 3), "id": n}
            for n, cosine in zip(ids.tolist(), cosines.tolist(), strict=True)
        ]

    def lexical(self, text: str) -> list[int]:
        """The terms that share most words with a text, the shortest first."""
        wanted = stems(key(normal_form(text)))
        hits = []
        for n in range(len(self.terms)):
            words = stems(self.terms.key(n))
            if shared := len(wanted & words):
                hits.append((-shared, len(words), self.terms.name(n), n))
        return [n for *_, n in sorted(hits)[:SHOWN]]

    def search(self, text: str, encode: Callable[[str], np.ndarray]) -> dict[str, Any]:
        """The terms in a text, those that share its words, and those whose vectors are nearest."""
        return {
            "lexical": [
                {"term": self.terms.name(n), "category": self.terms.category(n)}
                for n in self.lexical(text)
            ],
            "nearest": self.nearest(encode(normal_form(text))),
        }

    def links(self, repeated: Collection[str] = ()) -> Iterator[tuple[str, str, str]]:
        """Every term, name and broader term: what it is of, the kind, and the text.

        Args:
            repeated: names that several terms have; their categories tell these apart.
        """
        for n in range(len(self.terms)):
            name = self._label(n, repeated)
            yield name, "category", self.terms.category(n)
            for text in self.terms.names(n)[1:]:
                yield name, "name", text
            if (above := self.terms.parent(n)) is not None:
                yield name, "parent", self._label(above, repeated)

    def _label(self, n: int, repeated: Collection[str]) -> str:
        name = self.terms.name(n)
        return f"{name} ({self.terms.category(n)})" if name in repeated else name

    def repeated(self) -> set[str]:
        """Names that several terms have."""
        counts = Counter(self.terms.name(n) for n in range(len(self.terms)))
        return {name for name, count in counts.items() if count > 1}


def evidence(folder: Path, count: int) -> list[dict[str, Any]]:
    """What each term of a built lexicon rests on, by its id; empty if its build left nothing.

    Args:
        count: of its terms.
    """
    path = built.place(folder) / EVIDENCE
    if not path.is_file():
        return []
    try:
        found = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    except (OSError, orjson.JSONDecodeError):
        return []
    return found if len(found) == count else []


def sentence(link: Mapping[str, Any]) -> str:
    """What a link rests on, in words: "by 37 shared clicks on 5 products"."""
    return _SENTENCES[link["kind"]].format_map(link)


_SENTENCES = {
    "rule": "by {file}",
    "source": "by {place}",
    "clicks": "by {clicks} shared clicks on {products} products",
    "titles": "in {titles} titles together",
    "embedding": "near, and confirmed by the matching model at {match}",
    "category": "by the category {path}",
    "suffix": "by its last words",
}


def difference(old: Inspector, new: Inspector) -> dict[str, Any]:
    """Terms, names and parents that were added or removed, categories and parents that changed."""
    repeated = old.repeated() | new.repeated()
    before, after = ({*lexicon.links(repeated)} for lexicon in (old, new))
    terms = [{name for name, kind, _ in links if kind == "category"} for links in (before, after)]
    both = terms[0] & terms[1]
    found: dict[str, Any] = {
        "versions": [old.version, new.version],
        "terms": {"added": sorted(terms[1] - terms[0]), "removed": sorted(terms[0] - terms[1])},
    }
    names = [{(t, x) for t, kind, x in links if kind == "name"} for links in (before, after)]
    found["names"] = {
        "added": [f"{t} = {x}" for t, x in sorted(names[1] - names[0])],
        "removed": [f"{t} = {x}" for t, x in sorted(names[0] - names[1])],
    }
    for kind in ("parent", "category"):
        one, other = ({t: x for t, k, x in links if k == kind} for links in (before, after))
        found[kind] = {
            "changed": [
                f"{t}: {one.get(t) or 'none'} -> {other.get(t) or 'none'}"
                for t in sorted(both)
                if one.get(t) != other.get(t)
            ]
        }
    return found
