"""Reads `brands.txt`: a brand a line, with its other names and what it sells.

    black and decker | black & decker : drill, power tools
    gap * : jeans, hoodie, clothing

A star marks a name that is also an ordinary word: it is the brand only next to what the brand
sells (a term, one of its narrower terms, or a category) or one of its lines of one word that need
no maker (`models.txt`), or as a query on its own if no term for another thing is written so. At the
end of a line it marks the first name and all others of one word.

    (act) | act mouthwash : mouthwash
    () | star wars : toys

A first name in parentheses is published and not looked for. Behind empty ones stand films, teams
and characters, which are on things of many makers: they are the attribute `content`, and no brand.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from worker.errors import Fault
from worker.lexicon.lines import is_repeated, lines
from worker.lexicon.words import Spelling, key

BRANDS = "brands.txt"
_EXPECTED = "name | other name : product, product; or (published name) | name : product"
_SHOWN = re.compile(r"\(([^()*]*)\)")


def read_brands(path: Path, spelling: Spelling, faults: list[Fault]) -> list[dict[str, Any]]:
    """Each brand's name, whether it is content, its keys with whether each is an ordinary word, if
    one is, all keys of its products, and in any case one key of each product.

    What is wrong goes to `faults`.
    """
    brands, places = [], {}
    for place, text in lines(path, faults):
        line = text.lower()
        brand = _brand(line, spelling)
        if brand is None:
            faults.append(Fault(place, repr(line), _EXPECTED, "write it so"))
            continue
        for form, _ in brand["keys"]:
            is_repeated(places, form, place, "each name once", faults)
        brands.append(brand)
    return brands


def _brand(line: str, spelling: Spelling) -> dict[str, Any] | None:
    starred = line.endswith("*") and ":" in line
    names, _, products = line.removesuffix("*" if starred else "").partition(":")
    texts = [text.strip() for text in names.split("|")]
    shown = _SHOWN.fullmatch(texts[0])
    texts = texts[1:] if shown else texts
    name = (shown and shown[1].strip()) or "".join(texts[:1]).removesuffix("*").strip()
    keys = {}
    for n, text in enumerate(texts):
        form = key(text.removesuffix("*"))
        ordinary = text.endswith("*") or (starred and (not n or " " not in form))
        keys.setdefault(form, ordinary)
    if not (keys and all(keys)) or any(text.startswith("(") for text in texts):
        return None
    texts_of_kinds = [text.strip() for text in re.split("[,|]", products)]
    sells = list(dict.fromkeys(filter(None, map(key, texts_of_kinds))))
    kinds = sells if any(keys.values()) else []  # other brands count anywhere
    forms = [form for kind in kinds for form in spelling.keys(kind)]
    forms += filter(None, texts_of_kinds if kinds else [])  # a category is found as it is written
    return {
        "name": name,
        "content": shown is not None and not shown[1].strip(),
        "keys": list(keys.items()),
        "kinds": sorted(set(forms)),
        "sells": sells,
    }
