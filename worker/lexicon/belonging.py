"""Whether a word for a value says something of the thing that is wanted, or of another.

"Wood floor protector" is no protector of wood, "brown rice" names a kind, a "boba straw" is a
thing, "polish for leather" is for it, and "wood stain oak" has its shade.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from worker.lexicon import conditions
from worker.lexicon.words import Word, meets, word_set

# What links a thing to the material that follows it.
_OF = re.compile(r"(?:^|\s)(?:in|of|from|all|real|faux|pure) $")
_FOR = re.compile(
    r"^ for (?:(?:my|the|an?|your|old|new|natural|naturally|thick|thin|fine|long|short|curly) )?$"
)
_TITLE = re.compile(r"(?:the|dear|my|our|those) (?:girls?|boys?|men|women)")
_TINTED = frozenset({"stain", "stains", "paint", "paints", "dye", "varnish", "filler", "putty"})
_MOST_CARATS = 24
_OF_GOLD = frozenset({9, 10, 14, 18, 21, 22, 24})  # carats
# What is for jewelry, and of no precious metal: "gold jewelry box".
_KEEPS = word_set("""
    armoire box boxes cabinet card cards case cleaner cloth dish display hanger holder organizer
    polish rack stand storage tray tree
""")
_JOINING = frozenset({"and", "&", "/"})
_FUNCTION = frozenset({"for", "with", "without", "and", "or", "in", "on", "to", "of", "from"})


class Belonging:
    """What tells it; never changes, so any thread may ask.

    Args:
        tables: `treated`, `surfaces`, `things` and `uncolored` are collections of words, `before`
            has for each name of an attribute the words before which nothing is a value of it, and
            `materials` words for a colour with the departments where they are a material.
    """

    def __init__(self, tables: Mapping[str, Any]) -> None:
        self._treated = frozenset(tables["treated"])
        self._surfaces = frozenset(tables.get("surfaces", ()))
        self._things = frozenset(tables.get("things", ()))
        self._uncolored = frozenset(tables["uncolored"])
        self._worded = frozenset(tables.get("worded", ()))
        self._materials = {
            word: frozenset(item["departments"])
            for item in tables.get("materials", ())
            for word in item["words"]
        }
        self._before: dict[str, Collection[str]] = {
            name: frozenset(words) for name, words in tables.get("before", {}).items()
        }

    def treats(self, word: str) -> bool:
        """Whether what is called so is for the material before it: "leather conditioner"."""
        return word in self._treated

    def hides(self, name: str, word: str) -> bool:
        """Whether what stands right before a word is no value of that name: "female usb"."""
        return word in self._before.get(name, ()) or (name == "material" and self.treats(word))

    def materials(self, hits: Iterable[Any], form: str, terms: Sequence[Any]) -> Iterator[Any]:
        """The hits, a word for a colour as a material where the thing is made of it: "ruby"; and a
        count as how much of gold or diamond it has, written alike: "18ct necklace"."""
        hits = list(hits)
        for hit in hits:
            if hit.extent and _is_in_carats(hit, form, terms):
                low, high, _ = hit.extent
                value = hit.value.replace("count", "carat")
                hit = hit._replace(value=value, extent=(low, high, "carat"))
            word = form[hit.start : hit.end]
            only = self._materials.get(word, ()) if hit.name == "color" else ()
            if only and terms:  # not in a "turquoise bikini with necklace"
                behind = next((term for term in terms if term.end >= hit.end), terms[-1])
                things = [t for t in (terms[0], behind) if t.department in only]
                made = any(form[t.start : t.end].split()[-1] not in _KEEPS for t in things)
                if made and not any(self._is_color_beside(hit, other, form) for other in hits):
                    hit = hit._replace(name="material", value=word, rule=(True, only))
            yield hit

    def _is_color_beside(self, hit: Any, other: Any, form: str) -> bool:
        """Whether another hit is a colour, joined to one: "black and gold necklace"."""
        between = form[other.end : hit.start] or form[hit.end : other.start]
        joined = other.name == "color" and between.strip() in _JOINING
        return joined and form[other.start : other.end] not in self._materials

    def elsewhere(self, hit: Any, form: str, found: Sequence[Word], terms: Sequence[Any]) -> bool:
        """Whether a hit says nothing of the thing that is wanted.

        Args:
            found: the words of `form`.
            terms: the terms in it.
        """
        after = next((n for n, word in enumerate(found) if word.start >= hit.end), len(found))
        next_key = found[after].key if after < len(found) else ""
        touches = bool(next_key) and found[after].start - hit.end < 2
        if touches and hit.extent is None and self.hides(hit.name, next_key):
            return True
        if hit.name == "condition":
            return hit.value == "used" and conditions.is_elsewhere(hit, form, found, terms)
        if hit.name == "gender":
            return not terms and _TITLE.fullmatch(form) is not None
        if hit.name == "color":
            others = [t for t in terms if t.start < hit.start or hit.end < t.end]  # no "olive"
            if others and all(term.department in self._worded for term in others):
                return True  # the author's name, or a word of the title
            return self._names_kind(hit, terms) or self._is_for(hit, form, terms)
        if hit.name != "material":
            return False
        if any(word.key in _TINTED and hit.start - word.end == 1 for word in found):
            return True  # the "oak" of "wood stain oak"
        return (
            (touches and self._is_surface(found, after, terms))
            or self._is_thing(hit, form, found, after, terms)
            or self._is_for(hit, form, terms)
        )

    def _names_kind(self, hit: Any, terms: Sequence[Any]) -> bool:
        """Whether it stands before what has kinds, or behind it: "brown rice", "ice tea green"."""
        kinds = [t for t in terms if t.department in self._uncolored]
        if any(t.start - hit.end == 1 for t in kinds):
            return True
        return len(kinds) == len(terms) and any(hit.start - t.end == 1 for t in kinds)

    def _is_surface(self, found: Sequence[Word], after: int, terms: Sequence[Any]) -> bool:
        """Whether the thing behind is what another thing is for: "wood floor protector"."""
        if found[after].key not in self._surfaces or after + 1 == len(found):
            return False
        word, behind = found[after], found[after + 1]
        if behind.key in _FUNCTION or behind.key[0].isdigit():
            return False
        whole = [t for t in terms if t.start == word.start and t.end > word.end]  # "floor lamp"
        return not whole or any(w.key in self._treated for w in found if meets(w, whole))

    def _is_thing(
        self, hit: Any, form: str, found: Sequence[Word], after: int, terms: Sequence[Any]
    ) -> bool:
        """Whether it is itself what is wanted, since nothing that it describes follows."""
        named = [word.key for word in found if hit.start <= word.start < hit.end]
        if len(named) > 1 or named[-1] not in self._things or _OF.search(form, 0, hit.start):
            return False
        if any(hit.start - t.end == 1 and t.department not in self._uncolored for t in terms):
            return False  # "clogs vinyl"
        return after == len(found) or found[after].key in _FUNCTION

    def _is_for(self, hit: Any, form: str, terms: Sequence[Any]) -> bool:
        """Whether a thing before it is for what it describes: "magnets for steel fridges"."""
        return any(
            t.end < hit.start and not meets(hit, [t]) and _FOR.match(form[t.end : hit.start])
            for t in terms
        )


def _is_in_carats(hit: Any, form: str, terms: Sequence[Any]) -> bool:
    low, high, unit = hit.extent
    if unit != "count" or not form.endswith("ct", 0, hit.end):
        return False
    jewelry = [term for term in terms if term.department == "Jewelry"]
    if not jewelry or low is None or not low == high <= _MOST_CARATS:
        return False
    if not form.endswith("s", 0, jewelry[-1].end) or "diamond" in form:
        return True
    return "gold" in form and low in _OF_GOLD  # "stud earrings 12 ct" are twelve
