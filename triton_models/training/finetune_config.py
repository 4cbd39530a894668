"""The options of `finetune` as a typed configuration: `--config` takes what a run.json holds.

The model is made of the tables of `finetune_options`, so that there is one place for an option's
type, range, default and help.
"""

from __future__ import annotations

import argparse
import json
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    create_model,
)

from triton_models.settings import UsageError
from triton_models.training import finetune_options as options
from triton_models.training import option_types

OWN = ("out",)  # of each run
TYPES: dict[Any, Any] = {
    option_types.whole: NonNegativeInt,
    option_types.above_zero: PositiveInt,
    option_types.share: Annotated[float, Field(ge=0, le=1)],
    option_types.amount: NonNegativeFloat,
    option_types.above_nothing: PositiveFloat,
    option_types.sizes: tuple[PositiveInt, ...],
    Path: Path,
}


@cache
def model() -> type[BaseModel]:
    """The configuration: every option by its name, with its range and default."""
    fields = {
        options.name_of(flag): (
            type_of(about) | None,
            Field(options.default_of(about), description=about["help"].replace("%%", "%")),
        )
        for flag, about in options.OPTIONS.items()
    }
    return create_model("Finetune", __config__=ConfigDict(extra="forbid"), **fields)


def type_of(about: dict[str, Any]) -> Any:
    """The type of an option's value in JSON."""
    if "action" in about:
        return bool
    if "choices" in about:
        return Literal[tuple(about["choices"])]
    if "nargs" in about:
        return list[str]
    return TYPES.get(about.get("type"), str)


def configured(args: argparse.Namespace) -> argparse.Namespace:
    """The options of a command line, those that it leaves out as `--config` or the defaults say.

    Raises UsageError for a file that is no configuration, or one of another kind.
    """
    values = {options.name_of(f): options.default_of(a) for f, a in options.OPTIONS.items()}
    given = vars(args)
    if place := given.pop("config", None):
        values |= read(place, args.kind)
    return argparse.Namespace(**values | given)


def read(place: Path, kind: str) -> dict[str, Any]:
    """The options that a file gives: a run.json, or an object of options alone."""
    remedy = "give --config the run.json of a run of finetune, or an object of its options"
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{place}: cannot be read ({error}); {remedy}") from None
    if not isinstance(found, dict) or ("command" in found and "options" not in found):
        raise UsageError(f"{place}: no options in it; {remedy}")
    if found.get("kind", kind) != kind:
        raise UsageError(f"{place}: of a run of {found['kind']}, not of {kind}; give another")
    try:
        checked = model().model_validate(found.get("options", found))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise UsageError(f"{place}: {name}: {first['msg'].lower()}; correct it") from None
    return checked.model_dump(exclude_unset=True, exclude=set(OWN))


def told(args: argparse.Namespace) -> dict[str, Any]:
    """The options of a run, as `read` takes them: those that go with its kind and have a value."""
    names = [options.name_of(f) for f, kinds in options.ONLY.items() if args.kind in kinds]
    values = {name: getattr(args, name) for name in names if name not in OWN}
    given = {n: v for n, v in values.items() if v is not None and v is not False and v != ()}
    return model()(**given).model_dump(mode="json", include=set(given))
