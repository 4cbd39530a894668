"""The options of `search` and `learning-curve` beside those of `finetune`: without torch, so that
--help is quick.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from triton_models.settings import UsageError
from triton_models.training import finetune_options
from triton_models.training.option_table import Table
from triton_models.training.option_types import above_nothing, above_zero, shares

SEARCH: Table = {
    "--trials": dict(type=above_zero, default=20, help="trials of the study, all in all"),
    "--hours": dict(
        type=above_nothing,
        metavar="X",
        help="stop at the next evaluation after so many; the same command goes on (default: never)",
    ),
    "--pruner": dict(
        choices=("median", "hyperband", "none"),
        default="median",
        help="what stops a trial whose figures of dev lag behind (default: median)",
    ),
}
CURVE: Table = {
    "--shares": dict(
        type=shares,
        metavar="X,X,…",
        default=(0.125, 0.25, 0.5, 1.0),
        help="of the examples to learn from, each within the next (default: 0.125,0.25,0.5,1)",
    ),
    "--same-steps": dict(
        action="store_true", help="as many steps for each share, not as many epochs"
    ),
}
TABLES = {"search": SEARCH, "learning-curve": CURVE}
OUT = {"search": Path("runs/search"), "learning-curve": Path("runs/learning-curve")}
MODULES = {"search": "search.study", "learning-curve": "search.curve"}
FEWEST = 3  # shares that a curve needs


def declare(parser: argparse.ArgumentParser, command: str) -> None:
    """Declare the options of a command on its parser, those of `finetune` among them."""
    add = parser.add_argument_group(f"of {command}").add_argument
    for flag, about in TABLES[command].items():
        unit = {"metavar": "N"} if about.get("type") is above_zero else {}
        add(flag, **{**unit, **about, "default": argparse.SUPPRESS})
    finetune_options.declare(parser, {"default": OUT[command], "help": "folder to write"})


def check(args: argparse.Namespace) -> None:
    """Raises UsageError for options that do not go together."""
    finetune_options.check(args)
    searched = args.command == "search"
    faults = (
        (args.no_dev, f"{args.command} chooses and judges on dev: leave --no-dev out"),
        (args.leave_one_source_out, "--leave-one-source-out goes with finetune alone"),
        (
            searched and args.seeds > 1,
            "--seeds goes with finetune: give it the best settings by --config",
        ),
        (
            not searched and len(args.shares) < FEWEST,
            f"--shares: a curve needs {FEWEST} shares or more",
        ),
    )
    if told := "; ".join(text for wrong, text in faults if wrong):
        raise UsageError(told)
