"""Which numeric field of an index takes an amount, an age or a price, and in which unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Units that convert exactly, each with its size in the first. A terabyte has 1,000 gigabytes, as
# drives are sold; metric and imperial units are never converted into each other.
CONVERTIBLE: tuple[dict[str, int], ...] = (
    {"mb": 1, "gb": 1000, "tb": 1_000_000},
    {"ml": 1, "cl": 10, "l": 1000},
    {"mg": 1, "g": 1000, "kg": 1_000_000},
    {"mm": 1, "cm": 10, "m": 1000},
    {"inch": 1, "ft": 12, "yard": 36},
    {"oz": 1, "lb": 16},
    {"months": 1, "years": 12},
)


def in_unit(
    attribute: Mapping[str, Any], fields: Mapping[str, str], currency: str
) -> tuple[str, float] | None:
    """The field for an amount or a price, and what its numbers are multiplied by; None without one.

    Args:
        fields: field by attribute and unit, "size:gb", or currency, "price:EUR".
        currency: that of the field "price", which also takes prices that name none.
    """
    name, unit = attribute["name"], attribute.get("unit")
    if name == "price":
        said = attribute.get("currency") or currency
        field = fields.get(f"price:{said}") or (fields.get("price") if said == currency else None)
        return (field, 1) if field else None
    if unit is None:  # a range of sizes
        return None
    if field := fields.get(f"{name}:{unit}"):
        return field, 1
    sizes = next((sizes for sizes in CONVERTIBLE if unit in sizes), {})
    for other, size in sizes.items():
        if field := fields.get(f"{name}:{other}"):
            return field, sizes[unit] / size
    return None
