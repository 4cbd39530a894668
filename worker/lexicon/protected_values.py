"""What the attributes in a text say of a thing, and so must stay when another text takes its place.

The names of terms are read when a lexicon is written; `told.json` holds what they say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import orjson

from worker.lexicon.attributes import Attribute
from worker.lexicon.reading import Reader

PROTECTED = frozenset(
    {"brand", "model", "color", "material", "pattern", "shape", "size", "gender", "age"}
    | {"quantity", "price"}
)


class ProtectedValues(NamedTuple):
    """What a text says of a thing.

    Attributes:
        values: names and values of its protected attributes.
        is_brand: whether it is a brand's name and no more, as "hoover" for any vacuum cleaner.
    """

    values: frozenset[tuple[str, str]]
    is_brand: bool


NOTHING = ProtectedValues(frozenset(), False)


def protected_values(form: str, attributes: Iterable[Attribute]) -> ProtectedValues:
    """What the attributes of a normal form say."""
    said = [a for a in attributes if a.name in PROTECTED]
    if not said:
        return NOTHING
    is_brand = any(a.name == "brand" and a.end - a.start == len(form) for a in said)
    return ProtectedValues(frozenset((a.name, a.value) for a in said), is_brand)


def pack(names: Iterable[str], reader: Reader) -> bytes:
    """What `told.json` holds: what each of these names says, if it does."""
    of_names = {name: protected_values(name, reader.attributes(name)) for name in names}
    said = {
        name: {"values": sorted(of.values), "is_brand": of.is_brand}
        for name, of in of_names.items()
        if of.values
    }
    return orjson.dumps(said)


def unpack(block: bytes) -> Mapping[str, ProtectedValues]:
    """What `pack` has packed.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it has not packed this.
    """
    return {
        name: ProtectedValues(frozenset(map(tuple, of["values"])), of["is_brand"])
        for name, of in orjson.loads(block).items()
    }
