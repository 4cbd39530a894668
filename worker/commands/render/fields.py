"""Which fields of the index a rendered query searches, filters and boosts."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from worker.config.settings import STARTER_LEXICON
from worker.errors import ConfigError

# A field's name stands in YQL and Solr's parameters as it is, so nothing else may be in it.
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
Name = Annotated[str, StringConstraints(pattern=rf"^{NAME.pattern}$")]
_CODE = re.compile(r"^[A-Z]{3}$")
NAMES = (
    *("age", "brand", "category", "color", "condition", "content", "gender", "material", "model"),
    *("origin", "pattern", "price", "product", "quantity", "shape", "size", "style", "use"),
)
TYPO = 0.85  # of the letters that a name shares with a known one


def _key(text: str) -> str:
    """An attribute's name, with a unit or not; a tagging model of one's own may give other names.

    Raises:
        ValueError: it is a misspelt name, no currency, or a unit that events write otherwise.
    """
    name, colon, unit = text.partition(":")
    if name not in NAMES and (meant := get_close_matches(name, NAMES, 1, TYPO)):
        raise ValueError(f"{name!r} is no attribute; write {meant[0]!r}")
    if colon and name == "price" and not _CODE.fullmatch(unit):
        raise ValueError(f'{unit!r} is no currency; write an ISO 4217 code, as in "price:EUR"')
    if colon and name != "price" and (known := _written().get(unit)) not in (None, text):
        raise ValueError(f"events say {known!r}; write it so")
    return text


@cache
def _written() -> dict[str, str]:
    """The key for each way to write a unit, of the starter lexicon."""
    tables = tomllib.loads((STARTER_LEXICON / "attributes.toml").read_text("utf-8"))
    ages = {"year": "age:years", "month": "age:months"}
    return ages | {
        word: f"{name}:{unit}"
        for kind in ("unit", "count")
        for name, units in tables[kind].items()
        for unit, words in units.items()
        for word in (unit, *words)
    }


Key = Annotated[str, AfterValidator(_key)]
Weight = Annotated[float, Field(gt=0, le=1000)]


class Fields(BaseModel):
    """The fields of the index.

    Attributes:
        text: weight of each field that the words are searched in.
        exclusions: fields in which an excluded term must not be.
        filters: field for each attribute that a document must have. A key is the attribute's name,
            or name:unit ("size:gb", "price:EUR") for a numeric field in that unit or currency.
            Units of one kind are converted, and others left out.
        boosts: the same, for attributes that rank a document higher. `category` is the path.
        currency: of the field `price`, ISO 4217; it takes prices without a currency as well.
        expansion_weight: weight of all expansions together, against 1 for the query's own words.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: Annotated[dict[Name, Weight], Field(min_length=1)] = {
        "title": 3,
        "brand": 2,
        "category": 1,
        "description": 1,
    }
    exclusions: list[Name] = ["title", "brand", "color", "material"]
    filters: dict[Key, Name] = {"price": "price"}
    boosts: dict[Key, Name] = {
        name: name for name in ("brand", "color", "material", "gender", "size", "category")
    }
    currency: Annotated[str, StringConstraints(pattern=_CODE.pattern)] = "USD"
    expansion_weight: Annotated[float, Field(ge=0, le=1)] = 0.2


def load_fields(file: Path | None) -> Fields:
    """The fields named in a TOML file; what it leaves out has its default.

    Raises:
        ConfigError: the file cannot be used; names every fault.
    """
    if file is None:
        return Fields()
    try:
        return Fields(**tomllib.loads(file.read_text("utf-8")))
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}; name a TOML file, see --help") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{file}: not TOML: {error}") from None
    except ValidationError as error:
        faults = map(_told, error.errors())
        known = ", ".join(Fields.model_fields)
        raise ConfigError(f"{file}: {'; '.join(faults)}; the keys are {known}") from None


def _told(error: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in error["loc"] if part != "[key]")
    return f"{place}: {error['msg'].removeprefix('Value error, ')}"
