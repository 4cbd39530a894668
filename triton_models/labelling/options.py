"""The options of `suspects`, `select` and `merge`. Without torch, so that --help is quick."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from triton_models.data import named
from triton_models.kinds import having
from triton_models.settings import STARTER, UsageError
from triton_models.training.option_types import above_zero

KINDS = having("labels")
ENCODER = "encoder"  # the kind whose vectors tell texts apart
LABELLED = "CSV, TSV, JSON lines"


def suspects(add: Callable) -> None:
    add("kind", choices=KINDS)
    told = "a run of finetune: its data are judged by models that learned without them"
    add("--run", type=Path, metavar="RUN", help=told)
    add("--folds", type=above_zero, default=5, help="--run: parts of the data (default: 5)")
    add("--model", type=Path, metavar="FOLDER", help="a model folder, with --dev")
    told = f"--model: rows that the model never saw: {LABELLED}"
    add("--dev", type=Path, nargs="+", metavar="FILE", help=told)
    add("--columns", **named.OPTION)
    add("--count", type=above_zero, metavar="N", help="write the first N alone")
    written(add)


def select(add: Callable) -> None:
    add("kind", choices=KINDS)
    add("file", type=Path, metavar="FILE", help="texts without labels, as `predict` reads them")
    add("--model", type=Path, required=True, metavar="FOLDER", help="the model folder that doubts")
    told = f"what is labelled already, and is not to come again: {LABELLED}, or a manifest"
    add("--labelled", type=Path, nargs="+", required=True, metavar="FILE", help=told)
    add("--columns", **named.OPTION)
    add("--count", type=above_zero, default=100, metavar="N", help="texts (default: 100)")
    add("--by", choices=("margin", "entropy"), default="margin", help="doubt (default: margin)")
    told = "model folder whose vectors tell texts apart (default: the starter's)"
    add("--encoder", type=Path, default=STARTER / ENCODER, metavar="FOLDER", help=told)
    written(add)


def written(add: Callable) -> None:
    add("--out", type=Path, required=True, metavar="FILE", help="sheet to write: *.csv or *.tsv")
    add("--propose", action="store_true", help="fill the column `label` with what is suggested")


def merge(add: Callable) -> None:
    add("kind", choices=KINDS)
    add("sheet", type=Path, metavar="SHEET", help="a sheet whose column `label` was filled")
    told = f"a manifest, or the files that its rows are of: {LABELLED}; new ones go into the first"
    add("--into", type=Path, nargs="+", required=True, metavar="FILE", help=told)
    told = "file to write, or of several a folder; may be what --into is"
    add("--out", type=Path, required=True, metavar="PATH", help=told)
    add("--columns", **named.OPTION)
    add("--new", nargs="+", default=[], metavar="LABEL", help="labels that no file has yet")


def check(args: argparse.Namespace) -> None:
    """Raises UsageError for options of `suspects` that do not go together."""
    faults = (
        (bool(args.run) == bool(args.model), "give --run, or --model and --dev"),
        (args.run and args.dev, "--dev goes with --model"),
        (args.columns and not args.dev, "--columns goes with --dev"),
        (args.model and not args.dev, "--model needs --dev: rows that the model never saw"),
        (args.folds < 2, "--folds: give 2 or more"),
    )
    if told := "; ".join(text for wrong, text in faults if wrong):
        raise UsageError(told)
