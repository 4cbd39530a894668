"""Words that negate: those before what is not wanted, and those behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from worker.lexicon.words import Word, covered, word_set

_DOES_NOT = (("doesnt",), ("dont",), ("does", "not"), ("do", "not"))
DOES_NOT_HAVE = {
    *[(*no, verb) for no in _DOES_NOT for verb in ("have", "contain", "include", "need", "use")],
    *[(*no, verb, of) for no in _DOES_NOT for verb in ("smell", "taste") for of in ("of", "like")],
}
# What follows is a part or an ingredient, of which shops print that a thing lacks it.
WITHOUT = {("without",), ("w", "o"), ("minus",), ("sans",), ("ohne",), ("senza",), ("zonder",)}
# Before what is known, as people say the same of what they do: "never again", "i dont want these".
WANTS_NOT = {
    *[(*no, verb) for no in _DOES_NOT for verb in ("want", "like")],
    *[("wouldnt", "want"), ("would", "not", "want"), ("never", "want"), ("dont", "show", "me")],
    *[("do", "not", "show", "me"), ("not", "interested", "in"), ("nothing", "from"), ("never",)],
    *[("avoid",), ("avoiding",), ("must", "not", "be"), ("should", "not", "be"), ("cant", "be")],
    *[("cannot", "be"), ("shouldnt", "be"), ("mustnt", "be")],
}
# Up to four words that negate what follows.
NEGATIONS = {
    *[("except",), ("excluding",), ("exclude",), ("excl",), ("neither",)],
    *[("except", "for"), ("other", "than"), ("anything", "but"), ("apart", "from")],
    *[("aside", "from"), ("free", "of"), ("free", "from"), ("not",), ("no",), ("non",)],
    *[("instead", "of"), ("rather", "than"), ("any", "colour", "but"), ("any", "color", "but")],
    *[("any", "brand", "but"), ("any", "brand", "except"), ("anything", "except")],
    *[("any", "colour", "except"), ("any", "color", "except"), ("isnt",), ("arent",)],
    *(WITHOUT | DOES_NOT_HAVE | WANTS_NOT),
}
CLAUSES = {("isnt",), ("arent",), *DOES_NOT_HAVE}  # of a thing, behind "that"
MILD = {("not",), ("no",), ("non",), ("anything", "but"), ("neither",), *CLAUSES, *WANTS_NOT}
FIRST_WORDS = frozenset(words[0] for words in NEGATIONS)
FILLERS = word_set("""
    a an the any for too very added artificial made of from with in by
""")
# Words before "not" that make it a sentence about what happened.
VERBS = word_set("""
    is are was were am be been do does did has have had can could will would should may might
    must it they he she i we you still why if or yet
""")
# Words behind "not", "no" and "non" that are no property of a thing.
EVENTS = word_set("""
    working received receive delivered delivering arrived arriving charging turning fitting
    opening connecting printing happy satisfied sure good great bad as so the same found
    recognised recognized accepted available in enough only yet again coming getting showing
    here there what refund refunds response reply delivery idea one problem problems tracking
    email answer longer more less thanks thank way matter time need news good show over under
    above below fan impressed what worth going doing able buying using like want wanted interested
    compatible free
""")
STOPS = word_set("""
    up per each plus
    for with in on under over below above between from to at by please but and or not no non
    nor without size uk us eu than if that which is are it only just instead needed required
""")
# Words behind a negation that no thing is or has: "the world without you", "feast without fear".
NO_PART = word_set("""
    you me us him her them it its this that they we i he she who anyone everyone your my our their
    fear love hate doubt tomorrow mercy regret regrets excuses surrender limits limit borders
    boundaries remorse food foods things stuff
""")
# Behind a thing: "a tv that is not samsung" is no sentence.
RELATIVE, IS = frozenset({"that", "which"}), frozenset({"is", "are"})
_THAT_IS = "thats"
SPEAKER = frozenset({"i", "we"})
_OF_CLAUSES = RELATIVE | IS | SPEAKER | {_THAT_IS, "but", "it"}
# Behind what is not wanted: "nike excluded", "nike not wanted".
NEGATIONS_BEHIND = (("excluded",), ("not", "wanted"))
LAST_WORDS = frozenset(words[-1] for words in NEGATIONS_BEHIND)
FREE, LESS_SUFFIX = "free", "less"
FREE_FROM = frozenset({"from", "of"})
NEGATING = word_set("free less no non not without zero")  # by themselves, as in names
# Parts and ingredients that are seldom asked for by themselves: "sleeveless", "boneless".
BEFORE_LESS = word_set("""
    sleeve strap lace collar hood back bone seed salt scent odor odour rim wire tag sugar
    sting crust skin stem pit rind starch
""")
# What shops print before "free".
LABELS = word_set("""
    gluten sugar dairy lactose fat alcohol caffeine fragrance scent paraben sulfate sulphate bpa
    cruelty grain soy latex acid fluoride aluminum aluminium silicone gmo wheat allergen
""")
JOINED = frozenset({"or", "nor", "and"})
OR = frozenset({"or", "nor"})
# What a shop gives, so that "free" says nothing of what stands before it.
_GIVEN = word_set("""
    delivery shipping postage return returns trial trials upgrade upgrades installation download
    downloads shipment exchanges
""")
_HOW_GIVEN = word_set("""
    next same day days two fast express standard home worldwide uk us overnight priority expedited
    international easy
""")
_FIRST_OF_WITHOUT = frozenset(words[0] for words in WITHOUT)
_TOO = ("too ", "very ")
_NOT = word_set("not isnt arent")


def negation(keys: Sequence[str], first: int) -> int:
    """The first word of what negates the thing that begins with word `first`, with the clause that
    it stands in: the "that" of "a tv that is not samsung"; `first` if nothing does."""
    n = first
    while n and keys[n - 1] in FILLERS:
        n -= 1
    for end in range(n, first + 1):
        for start in range(max(end - 4, 0), end):
            if tuple(keys[start:end]) in NEGATIONS:
                while start and keys[start - 1] in _OF_CLAUSES:
                    start -= 1
                return start
    return first


def negation_behind(keys: Sequence[str], last: int) -> int:
    """One past the last word of what negates the thing that ends before word `last`; `last` if
    nothing does."""
    for words in NEGATIONS_BEHIND:
        end = last + len(words)
        if tuple(keys[last:end]) == words:
            return end
    return last


def with_negation(found: Sequence[Word], start: int, end: int) -> tuple[int, int]:
    """First and one past the last word of what is excluded, from `start` to `end` in the form, with
    the words that negate it."""
    keys = [word.key for word in found]
    first, last = covered(found, start, end)
    return negation(keys, first), negation_behind(keys, last)


def described_thing(keys: Sequence[str], i: int, trigger: tuple[str, ...]) -> str:
    """The thing of which a clause at word `i` says what it is not: "a tv that is not samsung"."""
    that = i - 1 if trigger in CLAUSES or (i and keys[i - 1] == _THAT_IS) else i - 2
    behind_that = that > 0 and (
        keys[that] == _THAT_IS
        or (keys[that] in RELATIVE and (that == i - 1 or keys[that + 1] in IS))
    )
    return keys[that - 1] if behind_that else ""


def kept_negations(
    form: str, found: Sequence[Word], is_kept: Callable[[str], bool]
) -> list[tuple[int, int]]:
    """First and one past the last word of negations that exclude nothing: what only says how much
    ("not too heavy"), and what is not to lack something ("not sugar free", "not sleeveless").

    Args:
        is_kept: whether a word in -less names a property of its own, as "wireless".
    """
    how_much, lacks = any(too in form for too in _TOO), FREE in form or LESS_SUFFIX in form
    if not (how_much or lacks):
        return []
    keys = [word.key for word in found]
    spans = [*_twice_negated(form, found, keys, is_kept)] if lacks else []
    if how_much:
        spans += [
            (i, min(i + 3, len(keys)))
            for i in range(len(keys) - 1)
            if keys[i] in _NOT and keys[i + 1] + " " in _TOO
        ]
    return spans


def _twice_negated(
    form: str, found: Sequence[Word], keys: Sequence[str], is_kept: Callable[[str], bool]
) -> Iterator[tuple[int, int]]:
    ends: dict[int, int] = {}  # of the first word of each
    for i, key in enumerate(keys):
        if key == FREE:
            first = i if i + 1 < len(keys) and keys[i + 1] in FREE_FROM else i - 1
            if first < i and is_given(form, found, keys, i):
                continue  # "not leather, free returns"
        elif _names_a_lack(key) and not is_kept(key):
            first = i
        else:
            continue
        start = negation(keys, first) if first > 0 else first
        if start == first > 2 and key == FREE and keys[first - 1] in JOINED:
            of_list = negation(keys, first - 2)  # "not gluten and dairy free"
            start = of_list if keys[of_list] == "not" else start
        if key == FREE and not _FIRST_OF_WITHOUT.isdisjoint(keys[start:first]):
            continue  # "without laces free gift"
        end = min(i + 1 + 2 * (first == i and key == FREE), len(keys))
        if start == first > 1 and keys[first - 1] in OR:  # "not sugar free or fat free"
            start = next((a for a, b in ends.items() if b == first - 1), first)
        if start < first:
            ends[start] = end
    yield from ends.items()


def _names_a_lack(key: str) -> bool:
    """Whether a word is one in -less, as "boneless"."""
    return key.endswith(LESS_SUFFIX) and key.removesuffix(LESS_SUFFIX) in BEFORE_LESS


def is_given(form: str, found: Sequence[Word], keys: Sequence[str], free: int) -> bool:
    """Whether the "free" at a word is said of what a shop gives: "not leather free next day
    delivery"."""
    if free and not set(form[found[free - 1].end : found[free].start]) <= set(" -"):
        return True  # "sofa without arms, free cushions"
    behind = (k for k in keys[free + 1 : free + 5] if not (k in _HOW_GIVEN or k.isdigit()))
    return next(behind, "") in _GIVEN and form[found[free].start - 1] != "-"
