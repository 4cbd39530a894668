"""Options as a table, flag to argparse's words, and told again as a command line."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from triton_models.training.option_types import above_nothing, above_zero, share, whole

Table = Mapping[str, Mapping[str, Any]]

CONFIG = (
    "run.json of a run, or a TOML or JSON file of options: taken where the command line has none"
)


def schedule(epochs: int, batch: int, rate: float) -> Table:
    """The options of a schedule, with their defaults; `loop` says what they mean."""
    return {
        "--epochs": dict(type=above_zero, default=epochs, help="passes over the texts"),
        "--batch": dict(type=above_zero, default=batch, help="texts a step"),
        "--parts": dict(type=above_zero, default=1, help="split a step, to save memory"),
        "--rate": dict(type=above_nothing, default=rate, help="highest learning rate"),
        "--warm-up": dict(type=share, default=0.1, help="share of the steps"),
        "--precision": dict(choices=("fp32", "bf16", "fp16"), default="fp32", help="on a GPU"),
        "--seed": dict(type=whole, default=17, help="of everything random"),
        "--threads": dict(type=whole, default=0, help="of the processor (default: all)"),
    }


def declare(table: Table, add: Callable) -> None:
    """Declare the options on a parser, whose `add_argument` is given, and `--config`.

    None is required here, since the configuration may have it; what is not given is not in what
    the parser returns (`configuration.configured` fills it in).
    """
    for flag, about in table.items():
        default, told = about.get("default", 0), about["help"]
        if default and "default" not in told:
            told += f" (default: {default})"
        given = {name: value for name, value in about.items() if name != "required"}
        given |= {"help": told, "default": argparse.SUPPRESS}
        if not flag.startswith("--"):
            several = about.get("nargs") == "+"
            given |= {"nargs": "*"} if several else {"nargs": "?", "default": None}
        add(flag, **given)
    add("--config", type=Path, metavar="FILE", default=argparse.SUPPRESS, help=CONFIG)


def name_of(flag: str) -> str:
    return flag.removeprefix("--").replace("-", "_")


def default_of(about: Mapping[str, Any]) -> Any:
    return about.get("default", False if "action" in about else None)


def command(name: str, table: Table, args: argparse.Namespace) -> str:
    """The command line that gives these settings again, defaults left out."""
    words = ["python", "-m", "triton_models", *name.split()]
    for flag, about in table.items():
        value = getattr(args, name_of(flag))
        if value == default_of(about):
            continue
        words += [flag] if flag.startswith("--") else []
        if "action" not in about:
            words += words_of(value)
    return shlex.join(words)


def words_of(value: Any) -> list[str]:
    """A value as the command line gives it: several words where an option takes several."""
    if isinstance(value, tuple):
        return [",".join(map(str, value))]
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
