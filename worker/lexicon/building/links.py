"""Finds links between terms: in rules, in titles, in clicks, in categories and in the words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations, permutations, takewhile
from math import sqrt

from triton_models.query_text import normal_form
from worker.lexicon.building.drafts import SOURCE, Draft, Drafts, Link, make_synonyms
from worker.lexicon.building.sources import Click, Rule
from worker.lexicon.building.statistics import SIGNIFICANT, log_likelihood, lower_bound
from worker.lexicon.building.together import Together
from worker.lexicon.misspelling import is_one_off, is_slip
from worker.lexicon.shelves import department
from worker.lexicon.spellings import ordinary
from worker.lexicon.words import key, stems

RULE, CATEGORY, SUFFIX, TITLES, CLICKS = "rule", "category", "suffix", "titles", "clicks"
# Suffixes: 42 of 50 were right, read by one person in a catalogue of electronics.
WEIGHTS = {RULE: 0.97, CATEGORY: 0.9, SUFFIX: 0.85}
SUBSUMED = 0.8  # Sanderson and Croft, "Deriving concept hierarchies from text", 1999
TITLES_PARENT = 0.6  # of 44 such broader terms of a catalogue 18 were right, read by one person
FEWEST_TOGETHER = 5  # titles
FEWEST_SHARED = 3  # products that were clicked after both queries
FEWEST_CLICKS = 5  # of a query that is a term
LEAST_COSINE = 0.5  # between what was clicked after two queries
MOST_QUERIES = 50  # of one product: what so many find says little
LONGEST_QUERY = 4  # words
RARER = 5  # times as many clicks has a word as what it is misspelt as
MOST_DEPARTMENTS, MOST_PATHS = 2, 8  # that have a category of one name


def add_rules(rules: Iterable[Rule], drafts: Drafts) -> None:
    """Add the names that synonym files give; what the starter knows of a name in another sense than
    the rule's is dropped ("laptop, notebook")."""
    for rule in rules:
        link = Link(RULE, WEIGHTS[RULE], {"file": rule.place})
        if rule.means:
            targets = [drafts.add(text, RULE, rule.place) for text in rule.means]
            for text in rule.texts:
                draft = drafts.add(text, RULE, rule.place, targets[0].category)
                _leave_sense(draft, targets[0])
                for other in rule.means:
                    draft.add_synonym(other, link)
            continue
        known = [draft for text in rule.texts if (draft := drafts.get(text))]
        first = known[0] if known else drafts.add(rule.texts[0], RULE, rule.place)
        for draft in dict.fromkeys((first, *known)):
            _leave_sense(draft, first)
            for text in rule.texts:
                if drafts.get(text) is not draft:  # no other number or spelling of itself
                    draft.add_synonym(text, link)
        for text in rule.texts:
            drafts.point(text, first)


def _leave_sense(draft: Draft, meant: Draft) -> None:
    """Drop what the starter says of a term that a rule takes for a thing of another department, for
    one of whose names it is short: the "notebook" of "notebook computer"."""
    form = key(draft.name) + " "
    short = any(key(text).startswith(form) for text in (meant.name, *meant.synonyms))
    departments = [department(one.sense) for one in (draft, meant)]
    if short and all(departments) and departments[0] != departments[1]:
        draft.synonyms = {t: link for t, link in draft.synonyms.items() if link.kind != SOURCE}
        if draft.parent and draft.parent[1].kind == SOURCE:
            draft.parent = None
        draft.sense = meant.sense
        if draft.category not in draft.paths:
            draft.category = meant.category


def by_rule(drafts: Iterable[Draft], least: float) -> dict[tuple[str, str], str]:
    """Each name with each other one of the same term, by rules, and the place of the rule.

    Args:
        least: weight from which a name is used.
    """
    found = {}
    for draft in drafts:
        given = {
            text: str(link.counts["file"])
            for text, link in draft.synonyms.items()
            if link.kind == RULE and link.weight >= least
        }
        for one, other in permutations([draft.name, *given], 2):
            found[one, other] = given.get(other) or given[one]
    return found


def add_suffixes(drafts: Drafts) -> None:
    """Put each term below the longest term that it ends with: running shoes below shoes; what
    stands behind a comma is no such end."""
    for draft in drafts:
        parts = key(draft.name.rpartition(",")[2]).split(" ")
        for start in range(1, len(parts)):
            wider = drafts.get(" ".join(parts[start:]))
            if wider is not None and wider is not draft:
                draft.put_below(wider, Link(SUFFIX, WEIGHTS[SUFFIX], {}))
                break


def link_titles(together: Together, drafts: Drafts) -> None:
    """Link terms that titles, or titles and categories, have together.

    Where nearly all titles of one have the other too, but not the other way round, the other is the
    broader term; where it holds both ways, they are two names of one kind of product.
    """
    enough = together.pairs[2] >= FEWEST_TOGETHER
    for a, b, both in zip(*(column[enough].tolist() for column in together.pairs), strict=True):
        one, other = drafts.all[a], drafts.all[b]
        titles = together.titles[a], together.titles[b]
        ratio = log_likelihood(both, *titles, together.total)
        if ratio < SIGNIFICANT or _nested(one.name, other.name):
            continue
        counts = {"titles": both, "log_likelihood": round(ratio, 1)}
        bounds = [lower_bound(both, seen) for seen in titles]
        within = [both / seen >= SUBSUMED for seen in titles]
        if all(within):
            make_synonyms(one, other, Link(TITLES, round(min(bounds), 3), counts))
        elif within[0]:
            one.put_below(other, Link(TITLES, round(bounds[0] * TITLES_PARENT, 3), counts))
        elif within[1]:
            other.put_below(one, Link(TITLES, round(bounds[1] * TITLES_PARENT, 3), counts))


def _nested(one: str, other: str) -> bool:
    """Whether the words of one are among those of the other."""
    words = stems(key(one)), stems(key(other))
    return words[0] <= words[1] or words[1] <= words[0]


def add_clicks(clicks: Iterable[Click], drafts: Drafts, described: Collection[str]) -> None:
    """Link queries after which the same products were clicked, and make terms of frequent ones.

    Args:
        described: words of attributes; two queries of which one has other such words are not
            linked.
    """
    clicked: dict[str, Counter[str]] = defaultdict(Counter)
    for click in clicks:
        clicked[_name(click.query, drafts)][click.item] += click.count
    by_item: dict[str, list[str]] = defaultdict(list)
    for query in sorted(clicked):
        if sum(clicked[query].values()) >= FEWEST_CLICKS and _is_a_term(query):
            for item in clicked[query]:
                by_item[item].append(query)
    shared: Counter[tuple[str, str]] = Counter()
    for queries in by_item.values():
        if len(queries) <= MOST_QUERIES:
            shared.update(combinations(queries, 2))
    alike = {}
    for (a, b), both in sorted(shared.items()):
        cosine = _cosine(clicked[a], clicked[b])
        ratio = log_likelihood(both, len(clicked[a]), len(clicked[b]), len(by_item))
        if both < FEWEST_SHARED or cosine < LEAST_COSINE or ratio < SIGNIFICANT:
            continue
        if _values(a, described) == _values(b, described):
            alike[a, b] = both, cosine, ratio
    misspelt = {_misspelt(*pair, clicked, drafts) for pair in alike}
    for (a, b), (both, cosine, ratio) in alike.items():
        if not misspelt.isdisjoint((a, b)):
            continue
        together = sum(min(clicked[a][item], clicked[b][item]) for item in clicked[a])
        counts = {"products": both, "clicks": together, "log_likelihood": round(ratio, 1)}
        weight = round(lower_bound(cosine * together, together), 3)
        one, other = (drafts.add(text, "query", sum(clicked[text].values())) for text in (a, b))
        if _nested(a, b):
            wide, narrow = sorted((one, other), key=lambda draft: len(draft.name))
            narrow.put_below(wide, Link(CLICKS, weight, counts))
        else:
            make_synonyms(one, other, Link(CLICKS, weight, counts))


def _misspelt(
    one: str, other: str, clicked: Mapping[str, Counter[str]], drafts: Drafts
) -> str | None:
    """Which of two queries for the same things is the other with one letter wrong: the one that is
    no term, or has fewer clicks. None where two words differ, or a letter at the end: an inflexion.

    A word of English is right, "caftan", "yoghurt"; where it is more than a letter doubled or two
    turned round, only the far rarer one is wrong: not "wodka", of as many clicks as "vodka".
    """
    words = [*zip(key(one).split(" "), key(other).split(" "), strict=False)]
    differing = [(a, b) for a, b in words if a != b]
    if one.count(" ") != other.count(" ") or len(differing) != 1:
        return None
    [(a, b)] = differing
    inflected = a.startswith(b) or b.startswith(a) or not (a + b).isascii()  # "mantel", "mäntel"
    unknown = [text for text in (one, other) if drafts.get(text) is None]
    if inflected or not unknown or not is_one_off(a, b):
        return None
    count = {text: sum(clicked[text].values()) for text in (one, other)}
    wrong = min(unknown, key=lambda text: (count[text], text))
    if (a if wrong == one else b) in ordinary():
        return None
    return wrong if is_slip(a, b) or count[wrong] * RARER <= max(count.values()) else None


def _name(query: str, drafts: Drafts) -> str:
    return draft.name if (draft := drafts.get(query)) else query


def _is_a_term(query: str) -> bool:
    words = key(query).split(" ")
    return len(words) <= LONGEST_QUERY and not any(c.isdigit() for c in query) and len(words[0]) > 1


def _values(text: str, described: Collection[str]) -> set[str]:
    return {word for word in key(text).split(" ") if word in described}


def _cosine(one: Mapping[str, int], other: Mapping[str, int]) -> float:
    """Of the square roots of the counts: one product that all click does not decide."""
    dot = sum(sqrt(count * other[item]) for item, count in one.items() if item in other)
    return dot / sqrt(sum(one.values()) * sum(other.values()))


def add_categories(paths: Iterable[Sequence[str]], drafts: Drafts) -> dict[str, list[str]]:
    """Make terms of the levels of paths, each below the one before.

    Returns:
        Names that several levels have, and so name nothing by themselves, each with their paths.
    """
    levels = dict.fromkeys(tuple(path[: n + 1]) for path in paths for n in range(len(path)))
    named: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for path in levels:
        named[key(normal_form(path[-1]))].append(path)
    general = {}
    for form, some in named.items():
        shared = _shared(some)
        name = normal_form(some[0][-1])
        if len({path[0] for path in some}) > MOST_DEPARTMENTS or len(some) > MOST_PATHS:
            general[form] = [" > ".join(path) for path in some]
        elif _is_a_name(name):
            draft = drafts.add(name, CATEGORY, " > ".join(some[0]), " > ".join(shared))
            draft.paths += map(" > ".join, some)
            above = [*shared] if shared != some[0] else [*shared[:-1]]
            wider: Draft | None = drafts.get(normal_form(above[-1])) if above else None
            if wider is not None:
                told = {"path": " > ".join(some[0])}
                draft.put_below(wider, Link(CATEGORY, WEIGHTS[CATEGORY], told))
    return general


def _shared(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The levels that all paths begin with; the first path where these are none."""
    begun = paths[0]
    for path in paths[1:]:
        equal = takewhile(lambda pair: pair[0] == pair[1], zip(begun, path, strict=False))
        begun = tuple(level for level, _ in equal)
    return begun or paths[0]


def _is_a_name(text: str) -> bool:
    return any(len(word) > 1 and not word.isdigit() for word in key(text).split(" "))
