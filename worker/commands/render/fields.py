"""Which fields of the index a rendered query searches, filters and boosts."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from worker.errors import ConfigError

# A field's name stands in YQL and Solr's parameters as it is, so nothing else may be in it.
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
Name = Annotated[str, StringConstraints(pattern=rf"^{NAME.pattern}$")]
Weight = Annotated[float, Field(gt=0, le=1000)]


class Fields(BaseModel):
    """The fields of the index.

    Attributes:
        text: weight of each field that the words are searched in.
        exclusions: fields in which an excluded term must not be.
        filters: field for each attribute that a document must have. A key is the attribute's name,
            or name:unit ("size:gb", "price:EUR") for a numeric field in that unit or currency.
        boosts: the same, for attributes that rank a document higher. `category` is the path.
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
    filters: dict[str, Name] = {"price": "price"}
    boosts: dict[str, Name] = {
        name: name for name in ("brand", "color", "material", "gender", "size", "category")
    }
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
        faults = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        known = ", ".join(Fields.model_fields)
        raise ConfigError(f"{file}: {'; '.join(faults)}; the keys are {known}") from None
