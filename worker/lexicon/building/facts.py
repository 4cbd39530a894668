"""Brands and values of attributes that a catalogue holds, as the worker's tables take them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Container, Iterable, Mapping
from functools import cache
from typing import Any

import numpy as np

from triton_models.query_text import normal_form
from worker.lexicon.building.corpus import DEPARTMENT, Corpus
from worker.lexicon.building.drafts import Drafts
from worker.lexicon.building.sources import Rule
from worker.lexicon.building.together import Together
from worker.lexicon.spellings import ordinary
from worker.lexicon.words import key

MOST_KINDS = 30  # of what a brand sells, the most frequent
COMMON = 1_000_000  # times in the corpus of `ordinary` from which a brand's name is a word as well
FEWEST_PRODUCTS = 3  # that have a value
LEAST_OWN = 0.3  # share of the titles with a value's word whose products have the value
_PARTED = re.compile("[,;/]")
_LEGAL = re.compile(r"(?:\.com| inc\.?| ltd\.?| gmbh| llc| co\.| corp\.?)$")
_WORDY = re.compile(r"[^\W\d_]+(?:[ -][^\W\d_]+){0,2}")


def brands(
    corpus: Corpus,
    drafts: Drafts,
    known: list[dict[str, Any]],
    sold: Mapping[str, list[str]],
    rules: Iterable[Rule] = (),
) -> list[dict[str, Any]]:
    """The brands of a catalogue, then those of `known` that it lacks, each as `Brands` takes it.

    Args:
        sold: of each brand's key, the names of what it sells most.
        rules: of the shop; a name that stands there for a thing is none of a brand that it lacks.
    """
    keys_of = cache(drafts.spelling.keys)
    spelled = _spelled(corpus)
    named = {_called(brand): brand for brand in reversed(known)}
    given = named | {form: brand for brand in reversed(known) for form, _ in brand["keys"]}
    found, taken = [], set()
    for form in sorted(spelled):
        if form in taken or len(form) < 2:
            continue
        name = min(spelled[form].items(), key=lambda item: (-item[1], item[0]))[0]
        brand = given.get(form)
        if brand and _called(brand) in spelled.keys() - {form}:
            brand = None  # another name of a maker that the catalogue has, too: "metcon" of "nike"
        forms = [form, key(_LEGAL.sub("", name))]
        keys = {f: _is_a_word(f, drafts) for f in forms if f and f not in taken}
        keys |= {f: o for f, o in brand["keys"] if f not in taken} if brand else {}
        kinds = set()
        if any(keys.values()):
            kinds = {f for text in sold.get(form, ()) for f in keys_of(text)}
            kinds |= {*brand["kinds"]} if brand else set()
        found.append({"name": name, "keys": list(keys.items()), "kinds": sorted(kinds)})
        taken |= keys.keys()
    things = taken | _things(rules, given)
    rest = [
        brand | {"keys": [(form, word) for form, word in brand["keys"] if form not in things]}
        for brand in known
        if _called(brand) not in taken
    ]
    return found + [brand for brand in rest if brand["keys"]]


def _things(rules: Iterable[Rule], brands: Container[str]) -> set[str]:
    """The keys of what one-way rules take for a thing: "mac => trench coat"."""
    found: set[str] = set()
    for rule in rules:
        if rule.means and not any(key(text) in brands for text in rule.means):
            found.update(map(key, rule.texts))
    return found


def _called(brand: Mapping[str, Any]) -> str:
    """The key of its published name, which need not be one of its keys."""
    return key(brand["name"].lower())


def _is_a_word(form: str, drafts: Drafts) -> bool:
    """Whether a brand's name is also an ordinary word, or a term."""
    return drafts.get(form) is not None or ordinary().get(form, 0) >= COMMON


def _spelled(corpus: Corpus) -> dict[str, dict[str, int]]:
    """Of each brand's key, how it was written, and how often."""
    found: dict[str, dict[str, int]] = {}
    for (form, text), count in corpus.spelled.items():
        found.setdefault(form, {})[text] = count
    return found


def sold(corpus: Corpus, drafts: Drafts, together: Together) -> dict[str, list[str]]:
    """Of each brand of a catalogue, the names of the terms that most of its titles hold."""
    brands, names = corpus.brands, [draft.name for draft in drafts]
    rank = np.argsort(np.argsort(names)) if names else np.empty(0, int)
    brand, term, titles = together.sold
    order = np.lexsort((rank[term], -titles, brand))
    brand, term = brand[order], term[order]
    most = np.arange(len(brand)) - np.searchsorted(brand, brand) < MOST_KINDS
    found: dict[str, list[str]] = defaultdict(list)
    for b, n in zip(brand[most].tolist(), term[most].tolist(), strict=True):
        found[brands[b]].append(names[n])
    return found


def add_values(
    corpus: Corpus, tables: dict[str, Any], drafts: Drafts, with_departments: bool = True
) -> dict[str, Any]:
    """The tables, and the catalogue's values of colour, material, gender and age.

    Values that are not words are left out, and colours and materials that name a term; for whom a
    thing is may be the name of a category, too.

    Args:
        with_departments: count departments as genders, unless they name a term; False until all
            terms are known.
    """
    values = dict(tables["values"])
    counts: Counter[tuple[str, str]] = Counter()
    for (name, text), count in corpus.values.items():
        for part in _PARTED.split(text):
            counts[name, normal_form(part)] += count
    for (name, text), count in sorted(counts.items()):
        if count < FEWEST_PRODUCTS or not _WORDY.fullmatch(text):
            continue
        if name == DEPARTMENT and not with_departments:
            continue
        if name in ("gender", "age") or drafts.get(text) is None:
            values.setdefault(key(text), ("gender" if name == DEPARTMENT else name, text))
    return {**tables, "values": values}


def own_values(corpus: Corpus, tables: dict[str, Any], drafts: Drafts) -> set[str]:
    """Keys of the catalogue's own values, without those that titles mostly have as something else:
    of "honey" there are three shoes, and many jars."""
    known = add_values(corpus, tables, drafts, with_departments=False)["values"].keys()
    own, products = known - tables["values"].keys(), Counter()
    for (_, text), count in corpus.values.items():
        for form in {key(normal_form(part)) for part in _PARTED.split(text)} & own:
            products[form] += count
    numbers = [n for n, word in enumerate(corpus.words) if word in own]
    tokens = np.frombuffer(corpus.tokens, np.int32)
    at = np.isin(tokens, numbers)
    words = np.unique(np.stack([tokens[at], corpus.docs()[at]]), axis=1)[0]
    titles = Counter(corpus.words[n] for n in words.tolist())
    return {form for form in own if products[form] >= LEAST_OWN * titles[form]}


def conflicting(corpus: Corpus) -> dict[str, list[str]]:
    """Brands that are written in several ways."""
    return {form: sorted(texts) for form, texts in _spelled(corpus).items() if len(texts) > 1}


def described(tables: Mapping[str, Any]) -> Collection[str]:
    """The single words that are values of attributes."""
    return {form for form, (name, _) in tables["values"].items() if name and " " not in form}
