"""What the attributes in a text say of a thing, and so must stay when another text takes its place.

The names of terms are read when a lexicon is written; `told.json` holds what they say, and which
of them the shop's own synonym rules make equal although only one has digits: "ipod", "mp3 player".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from worker.lexicon.attributes import Attribute
from worker.lexicon.reading import Reader

PROTECTED = frozenset(
    {"brand", "content", "model", "color", "material", "pattern", "shape", "size", "gender", "age"}
    | {"quantity", "price", "condition"}
)


class ProtectedValues(NamedTuple):
    """What a text says of a thing.

    Attributes:
        values: names and values of its protected attributes.
        is_brand: whether it is a brand's name and no more, as "hoover" for any vacuum cleaner.
        by_rule: names that it may stand for by a rule, though only one of the two has digits.
    """

    values: frozenset[tuple[str, str]]
    is_brand: bool
    by_rule: frozenset[str] = frozenset()


_NONE: Mapping[str, Collection[str]] = MappingProxyType({})
NOTHING = ProtectedValues(frozenset(), False)


def protected_values(form: str, attributes: Iterable[Attribute]) -> ProtectedValues:
    """What the attributes of a normal form say."""
    said = [a for a in attributes if a.name in PROTECTED]
    if not said:
        return NOTHING
    is_brand = any(a.name == "brand" and a.end - a.start == len(form) for a in said)
    return ProtectedValues(frozenset((a.name, a.value) for a in said), is_brand)


def pack(
    names: Iterable[str], reader: Reader, by_rule: Mapping[str, Collection[str]] = _NONE
) -> bytes:
    """What `told.json` holds: what each of these names says, if it does.

    Args:
        by_rule: of a name, those that it may stand for by a rule.
    """
    said: dict[str, dict[str, Any]] = {}
    for name in names:
        of = protected_values(name, reader.attributes(name))
        if of.values or name in by_rule:
            said[name] = {"values": sorted(of.values), "is_brand": of.is_brand}
        if name in by_rule:
            said[name]["by_rule"] = sorted(by_rule[name])
    return orjson.dumps(said)


def unpack(block: bytes) -> Mapping[str, ProtectedValues]:
    """What `pack` has packed.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it has not packed this.
    """
    return {
        name: ProtectedValues(
            frozenset(map(tuple, of["values"])), of["is_brand"], frozenset(of.get("by_rule", ()))
        )
        for name, of in orjson.loads(block).items()
    }
