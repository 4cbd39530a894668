"""What a build found, for those who own the shop's search: counts, samples, suspects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from worker.lexicon.building import facts
from worker.lexicon.building.drafts import SOURCE, Draft, Drafts, Link
from worker.lexicon.misspelling import is_one_off
from worker.lexicon.words import key

if TYPE_CHECKING:
    from worker.lexicon.building.make import Made

EVIDENCE, PROPOSED = "evidence.jsonl", "proposed-synonyms.txt"
REPORT_JSON, REPORT = "report.json", "report.md"
SAMPLE = 15  # of each kind
GENERAL = 0.1  # share of all titles from which a term says little
LETTERS = 7  # of a term from which one letter more or less is suspect


def report(made: Made, least: float, asked: Mapping[str, int]) -> dict[str, Any]:
    """Counts, samples and suspects.

    Args:
        least: weight from which a name is one that the worker uses.
        asked: how many texts the models were asked about, by what for.
    """
    drafts = made.drafts.all
    names = [(draft, text, link) for draft in drafts for text, link in draft.synonyms.items()]
    used = [item for item in names if item[2].weight >= least]
    parents = [(draft, *draft.parent) for draft in drafts if draft.parent]
    return {
        "counts": {
            "products": len(made.corpus),
            "products_repeated": made.corpus.repeated,
            "clicks": made.clicks[0],
            "clicks_of_products": made.clicks[1],
            "terms": len(drafts),
            "terms_by_origin": _counts(origin for draft in drafts for origin in draft.origins),
            "names": len(used),
            "names_by_kind": _counts(link.kind for *_, link in used),
            "names_proposed": len(_proposed(drafts, least)),
            "parents": len(parents),
            "parents_by_kind": _counts(link.kind for *_, link in parents),
            "categories": len({draft.category for draft in drafts if draft.category}),
            "terms_without_category": sum(not draft.category for draft in drafts),
            "brands": len(made.brands),
            "values": len(made.tables["values"]),
        }
        | dict(asked),
        "notes": [*made.notes],
        "samples": {
            "terms": [draft.name for draft in _sample(drafts)],
            "names": [f"{draft.name} = {text}" for draft, text, _ in _sample(used)],
            "parents": [f"{draft.name} < {wider.name}" for draft, wider, _ in _sample(parents)],
        },
        "suspects": {
            "near_duplicates": _near_duplicates(drafts),
            "too_general": _too_general(made),
            "two_senses": two_senses(made.drafts),
            "conflicting_brands": facts.conflicting(made.corpus),
        },
    }


def _counts(items: Any) -> dict[str, int]:
    return dict(sorted(Counter(items).items()))


def _sample(items: Sequence[Any]) -> list[Any]:
    chosen = np.random.default_rng(7).permutation(len(items))[:SAMPLE]
    return [items[n] for n in sorted(chosen.tolist())]


def _near_duplicates(drafts: Sequence[Draft]) -> list[str]:
    """Terms that differ in one letter or in the order of words; not those of source files alone."""
    by_part: dict[str, str] = {}
    found = set()
    for draft in drafts:
        form = key(draft.name)
        if {*draft.origins} == {SOURCE}:
            continue
        parts = {" ".join(sorted(form.split(" ")))}
        if len(form) >= LETTERS:
            parts |= {form} | {form[:n] + form[n + 1 :] for n in range(len(form))}
        for part in parts:
            other = by_part.setdefault(part, form)
            if other != form and _is_near(form, other):
                found.add(" / ".join(sorted((form, other))))
    return sorted(found)


def _is_near(form: str, other: str) -> bool:
    if any(a.isdigit() for a in form + other):
        return False
    return sorted(form.split(" ")) == sorted(other.split(" ")) or is_one_off(form, other)


def _too_general(made: Made) -> list[str]:
    titles = len(made.corpus)
    counts = [(d.origins.get("titles", {}).get("titles", d.titles), d.name) for d in made.drafts]
    wide = [f"{name} ({n} titles)" for n, name in counts if titles and n >= GENERAL * titles]
    return wide + [f"{name} ({len(paths)} categories)" for name, paths in made.general.items()]


def two_senses(drafts: Drafts) -> list[str]:
    """Terms of titles that may be short for another: the "notebook" of an office, where "notebook
    computer" is a name of laptops."""
    found = []
    for draft in drafts:
        kind = f" {key(draft.parent[0].name)}" if draft.parent else ""
        for text in draft.synonyms if kind else ():
            short = drafts.get(key(text).removesuffix(kind))
            if key(text).endswith(kind) and short and short.titles and not _related(short, draft):
                names = f"{short.name} ({short.titles} titles, {short.category})"
                found.append(f"{names} / {text} ({draft.name}, {draft.category})")
    return sorted(found)


def _related(one: Draft, other: Draft) -> bool:
    return one is other or one in other.above() or other in one.above()


def files(drafts: Drafts, told: dict[str, Any], least: float) -> dict[str, bytes]:
    """The files that the worker does not read: evidence, report, proposals."""
    lines = (orjson.dumps(_evidence(d), option=orjson.OPT_APPEND_NEWLINE) for d in drafts)
    rules = [f"{one}, {other}\n" for one, other in _proposed(drafts, least)]
    head = "# Found, and not sure enough to be used. Keep what is right: --synonyms THIS FILE\n"
    return {
        EVIDENCE: b"".join(lines),
        PROPOSED: "".join([head, *rules]).encode(),
        REPORT_JSON: orjson.dumps(told, option=orjson.OPT_INDENT_2),
        REPORT: markdown(told).encode(),
    }


def _proposed(drafts: Iterable[Draft], least: float) -> list[tuple[str, str]]:
    """Two names that are not sure enough to be used, the surest first, each pair once."""
    weights: dict[tuple[str, str], float] = {}
    for draft in drafts:
        for text, link in draft.synonyms.items():
            if link.weight < least:
                one, other = sorted((draft.name, text))
                weights[one, other] = max(link.weight, weights.get((one, other), 0.0))
    return sorted(weights, key=lambda pair: (-weights[pair], pair))


def _evidence(draft: Draft) -> dict[str, Any]:
    found = {
        "term": draft.name,
        "origins": draft.origins,
        "titles": draft.titles,
        "names": {text: _link(link) for text, link in sorted(draft.synonyms.items())},
    }
    if draft.category:
        found["category_by"] = draft.placed
    if draft.parent:
        found["parent"] = {"term": draft.parent[0].name, **_link(draft.parent[1])}
    return found


def _link(link: Link) -> dict[str, Any]:
    return {"kind": link.kind, "weight": link.weight, **link.counts}


def markdown(told: Mapping[str, Any]) -> str:
    """The report as a page."""
    parts = ["# Lexicon\n"]
    parts += [f"- {name.replace('_', ' ')}: {_shown(v)}\n" for name, v in told["counts"].items()]
    if told["notes"]:
        parts += ["\n## Notes\n\n", *(f"- {note}\n" for note in told["notes"])]
    for head in ("samples", "suspects"):
        parts.append(f"\n## {head.capitalize()}\n")
        for name, items in told[head].items():
            texts = [*items] if isinstance(items, list) else [" / ".join(v) for v in items.values()]
            more = f"; and {len(texts) - SAMPLE} more" if len(texts) > SAMPLE else ""
            shown = "; ".join(texts[:SAMPLE]) + more if texts else "none"
            parts.append(f"\n**{name.replace('_', ' ').capitalize()}** ({len(texts)}): {shown}\n")
    return "".join(parts)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {count:,}" for name, count in value.items()) or "none"
    return f"{value:,}"
