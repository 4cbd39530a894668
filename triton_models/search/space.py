"""What `search` chooses from: options of `finetune`, each with a range or choices.

A configuration file gives a space in its table `search`, else the kind's own `SEARCH` is taken:

    [search]
    rate = { low = 3e-5, high = 1e-3, log = true }
    epochs = { low = 4, high = 12 }
    pooling = ["cls", "mean"]
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from triton_models.kinds import KINDS
from triton_models.settings import UsageError
from triton_models.training import configuration, finetune_config
from triton_models.training import finetune_options as options
from triton_models.training.option_table import name_of

# What is no setting of a training, or makes its figures those of something else.
FIXED = {
    *("manifest", "queries", "pairs", "dev", "no_dev", "out", "columns", "out_of_scope"),
    *("leave_one_source_out", "metric", "seed", "seeds", "threads", "precision", "parts"),
    *("language", "confusions", "sizes"),
}
SPREAD = 4.0  # the rate is searched from a fourth of the usual to four times that
DROPOUT = 0.1  # of most checkpoints


class Range(BaseModel):
    """Numbers from `low` to `high`, both included; with `log` a tenth is as far as ten times."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    low: float
    high: float
    log: bool = False


Axis = Range | list[Any]
Space = dict[str, Axis]
SPACE: TypeAdapter[Space] = TypeAdapter(Space)


def space_of(args: argparse.Namespace, place: Path | None) -> Space:
    """The space of a configuration file, or of the kind; see the module.

    Raises UsageError for what is no option, no range, or no value of its option.
    """
    found = configuration.parsed(place, "search").get("search") if place else None
    if found is None:
        return usual(args)
    try:
        space = SPACE.validate_python(found)
    except ValidationError as error:
        name = ".".join(("search", *map(str, error.errors()[0]["loc"][:1])))
        raise UsageError(f"{place}: {name}: give a range, with low and high, or a list") from None
    for name, axis in space.items():
        if told := fault(args.kind, name, axis):
            raise UsageError(f"{place}: search.{name}: {told}")
    if not space:
        raise UsageError(f"{place}: search: nothing to choose; name an option with its range")
    return space


def usual(args: argparse.Namespace) -> Space:
    """The space of a kind, and of how much is trained."""
    rate = options.RATES[args.how]
    own = KINDS[args.kind].part("options").SEARCH
    rates = {"rate": {"low": rate / SPREAD, "high": rate * SPREAD, "log": True}}
    space = rates | {"layer_decay": {"low": 0.7, "high": 1.0}} | own
    return SPACE.validate_python({n: axis for n, axis in space.items() if used(n, args.how)})


def used(name: str, how: str) -> bool:
    """Whether an option goes with how much is trained."""
    if name == "size":
        return how in options.SIZED
    return how != "frozen" or name not in ("rate", "layer_decay")


def fault(kind: str, name: str, axis: Axis) -> str:
    """What is wrong with an option of a space; "" if nothing is."""
    known = {name_of(flag) for flag, kinds in options.ONLY.items() if kind in kinds} - FIXED
    if name not in known:
        return f"nothing to choose for {kind}; there are {', '.join(sorted(known))}"
    try:
        values = [value_of(name, value) for value in ends(axis)]
    except ValidationError as error:
        return configuration.fault(error).partition(": ")[2] + "; correct it"
    if not values:
        return "no choices; give two or more"
    if isinstance(axis, list):
        plain = all(isinstance(value, str | int | float) for value in values)
        return "" if plain else "choices are texts and numbers; correct it"
    if isinstance(values[0], bool) or not isinstance(values[0], int | float):
        return "takes no numbers; give a list of choices"
    if not axis.low < axis.high or (axis.log and axis.low <= 0):
        return "low is to be below high, and above 0 with log; correct it"
    return ""


def ends(axis: Axis) -> list[Any]:
    return axis if isinstance(axis, list) else [axis.low, axis.high]


def value_of(name: str, value: Any) -> Any:
    """A value as its option has it; ValidationError if it takes none such."""
    return getattr(finetune_config.model()(**{name: value}), name)


def choose(trial: optuna.Trial, space: Space) -> dict[str, Any]:
    """A value of each option; those of a trial that is gone on with are what they were."""
    return {name: suggested(trial, name, axis) for name, axis in space.items()}


def suggested(trial: optuna.Trial, name: str, axis: Axis) -> Any:
    values = [value_of(name, value) for value in ends(axis)]
    if isinstance(axis, list):
        return trial.suggest_categorical(name, values)
    if all(isinstance(value, int) for value in values):
        return trial.suggest_int(name, *values, log=axis.log)
    return trial.suggest_float(name, axis.low, axis.high, log=axis.log)


def settings(how: str, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a trial, without those that do not go with how much it trains: `how`, unless
    that is chosen too.
    """
    how = chosen.get("how", how)
    return {name: value for name, value in chosen.items() if used(name, how)}


def begun_with(args: argparse.Namespace, space: Space) -> dict[str, Any] | None:
    """The settings that the options say, for the first trial; None where the space lacks them."""
    settled = vars(options.settled(args))
    settled["dropout"] = DROPOUT if settled["dropout"] is None else settled["dropout"]
    found = {name: settled[name] for name in space}
    return found if all(holds(axis, found[name]) for name, axis in space.items()) else None


def holds(axis: Axis, value: Any) -> bool:
    """Whether a value can be chosen."""
    if isinstance(axis, list):
        return value in axis
    return value is not None and axis.low <= value <= axis.high
