"""The options of a command as a typed configuration: `--config` takes what a run.json holds.

The model is made of the command's table of options, so that there is one place for an option's
type, range, default and help.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    create_model,
)

from triton_models.data import named
from triton_models.settings import UsageError
from triton_models.training import option_types
from triton_models.training.option_table import Table, default_of, name_of

STRICT = {"extra": "forbid", "allow_inf_nan": False}
OWN = ("out",)  # of each run
SEARCH = "search"  # a table of the file that `search` alone reads
CALLED = "python -m triton_models"
TYPES: dict[Any, Any] = {
    option_types.whole: NonNegativeInt,
    option_types.above_zero: PositiveInt,
    option_types.share: Annotated[float, Field(ge=0, le=1)],
    option_types.amount: NonNegativeFloat,
    option_types.above_nothing: PositiveFloat,
    named.column_names: Annotated[
        tuple[str, ...],
        BeforeValidator(lambda x: named.column_names(x) if isinstance(x, str) else x),
    ],
    option_types.sizes: tuple[PositiveInt, ...],
    option_types.numbers: tuple[NonNegativeInt, ...],
    option_types.shares: tuple[Annotated[float, Field(gt=0, le=1)], ...],
    Path: Path,
}


def model(table: Table, name: str = "Configuration") -> type[BaseModel]:
    """The configuration: every option by its name, with its range and default."""
    fields = {
        name_of(flag): (
            type_of(about) | None,
            Field(default_of(about), description=about["help"].replace("%%", "%")),
        )
        for flag, about in table.items()
    }
    return create_model(name, __config__=ConfigDict(**STRICT), **fields)


def type_of(about: dict[str, Any]) -> Any:
    """The type of an option's value in JSON."""
    if "action" in about:
        return bool
    if "choices" in about:
        return Literal[tuple(about["choices"])]
    found = TYPES.get(about.get("type"), str)
    return list[found] if "nargs" in about else found


def configured(
    args: argparse.Namespace, table: Table, command: str, kind: str = ""
) -> argparse.Namespace:
    """The options of a command line, those that it leaves out as `--config` or the defaults say.

    Raises UsageError for a file that is no configuration, or one of another command or kind.
    """
    values = {name_of(flag): default_of(about) for flag, about in table.items()}
    given = {name: value for name, value in vars(args).items() if value is not None}
    if place := given.pop("config", None):
        values |= read(place, table, command, kind)
    return argparse.Namespace(**values | given)


def required(args: argparse.Namespace, table: Table) -> None:
    """Raises UsageError for options that the table requires and nobody gave."""
    needed = [f for f, about in table.items() if about.get("required") or not f.startswith("--")]
    if missing := [f for f in needed if not getattr(args, name_of(f))]:
        told = ", ".join(f if f.startswith("--") else f.upper() for f in missing)
        raise UsageError(f"give {told}, here or in --config")


def read(place: Path, table: Table, command: str, kind: str = "") -> dict[str, Any]:
    """The options that a file gives: a run.json, or an object of options alone."""
    found, remedy = parsed(place, command), "give another"
    made = found.get("command", "")
    if kind and found.get("kind", kind) != kind:
        raise UsageError(f"{place}: of a run of {found['kind']}, not of {kind}; {remedy}")
    if made.startswith(CALLED) and not f"{made} ".startswith(f"{CALLED} {command} "):
        raise UsageError(f"{place}: of `{made:.40}…`, not of {command}; {remedy}")
    options = {n: value for n, value in found.items() if n not in (SEARCH, "kind")}
    try:
        checked = model(table).model_validate(found.get("options", options))
    except ValidationError as error:
        raise UsageError(f"{place}: {fault(error)}; correct it") from None
    return checked.model_dump(exclude_unset=True, exclude=set(OWN))


def parsed(place: Path, command: str) -> dict[str, Any]:
    """What a configuration file holds."""
    remedy = f"give --config the run.json of a run of {command}, or an object of its options"
    parse = tomllib.loads if place.suffix == ".toml" else json.loads
    try:
        found = parse(place.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{place}: cannot be read ({error}); {remedy}") from None
    options = found.get("options", {}) if isinstance(found, dict) else None
    if not isinstance(options, dict) or ("command" in found and "options" not in found):
        raise UsageError(f"{place}: no options in it; {remedy}")
    return found


def fault(error: ValidationError) -> str:
    """The first fault that a model found, in a line."""
    first = error.errors()[0]
    told = "no such option" if first["type"] == "extra_forbidden" else first["msg"].lower()
    return f"{'.'.join(map(str, first['loc']))}: {told}"


def told(args: argparse.Namespace, table: Table, flags: Iterable[str] = ()) -> dict[str, Any]:
    """The options of a run, as `read` takes them: those of `flags`, or all, that have a value."""
    names = [name_of(flag) for flag in flags or table]
    values = {name: getattr(args, name) for name in names if name not in OWN}
    given = {n: v for n, v in values.items() if v is not None and v is not False and v != ()}
    return model(table)(**given).model_dump(mode="json", include=set(given))
