"""Queries that name things and ask for none of them: "something to open jars", "do you gift wrap",
"does the ps5 come with a controller"."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from worker.lexicon.head_words import AGAINST, MEDIA
from worker.lexicon.reading import Reading
from worker.lexicon.words import Word, stem, word_set

_ANYTHING = word_set("something anything thing things stuff gadget gadgets")
# What may stand before these.
_LEADING = word_set("""
    i im id ive we want wanted need needed would like looking look for find get buy to me some a an
    any please is are there do you have got sell show good best cool
""")
_PURPOSE = word_set("to that which")
# Where what follows is what is sought: "something to wear red dress", "things to do book".
_SOUGHT = word_set("wear eat drink read sleep sit do declare believe")
_GOES_ON = word_set("""
    a an and as at for from i in into my of off on our out over that the this to under when while
    with without your
""")
# Behind "do you" they ask for a service: "do you like jazz poster" does not.
_SERVE = word_set("""
    accept alter assemble buy charge clean collect cut deliver dispose dry engrave exchange fit fix
    frame gift giftwrap hire insure install lend match mend mount post price print recycle refund
    remove rent repair replace return send service sharpen ship take trade unlock wash wrap
""")
_ASKING = word_set("does do did is are was were will can could would has have isnt arent")
_KNOWN_THING = word_set("the this these that those my your it its")

_COMPARING = AGAINST | word_set("compare comparison difference differences")
_WHICH = word_set("which what whats")

# What is asked of an order, not of a thing that a shop sells.
_OF_ORDERS = word_set("""
    return returns returned returning refund refunds refunded exchange delivery delivered dispatch
    dispatched shipping shipped warranty guarantee receipt invoice
""")
_ENDS_OF_ORDERS = word_set("order orders balance")


def asks_about_an_order(read: Reading) -> bool:
    """Whether a question is one about an order or a payment, which has no expansions: "how do i
    return my trainers", "gift card balance"; not about a thing: "receipt printer"."""
    keys = [word.key for word in read.words]
    if keys[-1] in _ENDS_OF_ORDERS or ("my", "order") in pairwise(keys):
        return True
    things = {n for first, last, _ in read.places for n in range(first, last)}
    return any(key in _OF_ORDERS and n not in things for n, key in enumerate(keys))


def compares(found: Sequence[Word]) -> bool:
    """Whether a query asks how the things that it names differ: "compare ps4 and ps5"."""
    keys = [word.key for word in found]
    asks = "better" in keys and (keys[0] in _WHICH or keys[-1] == "better")
    return not _COMPARING.isdisjoint(keys) or (asks and "or" in keys)


def seeks_by_purpose(found: Sequence[Word]) -> bool:
    """Whether a query describes what a thing is to do, or asks for a service; no thing that it
    names is the one that is wanted.

    Args:
        found: the words of the query.
    """
    keys = [word.key for word in found]
    if keys[:2] == ["do", "you"] and len(keys) > 2 and keys[2] in _SERVE:
        return True
    if _ANYTHING.isdisjoint(keys) or keys[-1] in MEDIA:  # "things to do in london book"
        return False
    n = next((n for n, key in enumerate(keys) if key not in _LEADING), len(keys))
    first, behind = (*keys[n : n + 2], "", "")[:2]
    purpose = keys[n + 2 :]
    return first in _ANYTHING and behind in _PURPOSE and not _names_it(purpose)


def _names_it(purpose: Sequence[str]) -> bool:
    """Whether what is sought is named behind what it is to do: "to cut pizza cutter"."""
    if purpose[:2] == ["make", "and"]:  # "make and do"
        purpose = purpose[2:]
    verb, behind = (purpose[0], purpose[1:]) if purpose else ("", [])
    if verb in ("sleep", "sit", "believe") and behind[:1] in (["in"], ["on"]):
        behind = behind[1:]
    if not behind or behind[0] in _GOES_ON or behind[-1] in _GOES_ON:
        return False
    does = stem(behind[-1])
    return verb in _SOUGHT or does in (f"{verb}er", f"{verb}r", f"{verb}{verb[-1:]}er")


def asks_about(found: Sequence[Word]) -> bool:
    """Whether a query is a question about a thing; it gets no expansions."""
    if len(found) < 3 or found[0].key not in _ASKING:
        return False
    return found[1].key in _KNOWN_THING
