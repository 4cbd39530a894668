"""The options of `finetune`, as a table: without torch, so that --help is quick."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

RATES = {  # what is new and small learns faster than what is trained already
    "frozen": 1e-3,
    "full": 1e-4,
    "gradual": 1e-4,
    "lora": 5e-4,
    "adalora": 1e-3,
    "adapters": 5e-4,
    "prefix": 3e-3,
}


def whole(text: str) -> int:
    """A whole number, 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def above_zero(text: str) -> int:
    if whole(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def share(text: str) -> float:
    """A number from 0 to 1."""
    if not 0.0 <= (value := amount(text)) <= 1.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 0 and 1")
    return value


def amount(text: str) -> float:
    """A number, 0 or more."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number, 0 or more")
    return value


GROUPS: dict[str, dict[str, dict[str, Any]]] = {
    "data": {
        "--queries": dict(
            nargs="+",
            required=True,
            metavar="FILE",
            help="labelled queries: CSV, TSV, JSON lines, or FILE.json:list+list",
        ),
        "--dev": dict(metavar="FILE", help="the dev set (default: 15 %% of the queries, by hash)"),
        "--no-dev": dict(action="store_true", help="learn from everything, and judge nothing"),
        "--columns": dict(metavar="TEXT,LABEL", help="if not query,intent or text,category"),
        "--multi": dict(action="store_true", help="several labels a query, each of its own"),
        "--start": dict(default="minilm", help="folder of a BERT checkpoint (default: MiniLM)"),
        "--out": dict(type=Path, default=Path("runs/finetuned"), help="checkpoint to write"),
    },
    "what is trained": {
        "--how": dict(
            choices=tuple(RATES), default="full", help="how much is trained (default: full)"
        ),
        "--size": dict(type=whole, default=0, help="rank, adapter width or prefix length"),
        "--pooling": dict(choices=("mean", "cls"), default="mean", help="what the head sees"),
        "--layer-decay": dict(type=share, default=0.9, help="rate of a layer, of the one above"),
        "--head-rate": dict(type=amount, default=1e-3, help="learning rate of the head"),
        "--dropout": dict(type=share, help="of the BERT and the head (default: the checkpoint's)"),
    },
    "schedule": {
        "--epochs": dict(type=above_zero, default=15, help="passes over the queries, at most"),
        "--batch": dict(type=above_zero, default=32, help="queries a step"),
        "--parts": dict(type=above_zero, default=1, help="split a step, to save memory"),
        "--rate": dict(
            type=amount, help="highest learning rate (default: by --how, 1e-4 for full)"
        ),
        "--warm-up": dict(type=share, default=0.1, help="share of the steps"),
        "--decay": dict(choices=("linear", "cosine"), default="linear", help="of the rate"),
        "--weight-decay": dict(type=amount, default=0.01, help="of matrices"),
        "--clip": dict(type=amount, default=1.0, help="longest gradient"),
        "--patience": dict(type=whole, default=0, help="stop after so many epochs without a best"),
        "--metric": dict(
            choices=("accuracy", "macro_f1", "micro_f1"), help="that chooses the best epoch"
        ),
        "--precision": dict(choices=("fp32", "bf16", "fp16"), default="fp32", help="on a GPU"),
        "--seed": dict(type=whole, default=17, help="of everything random"),
        "--threads": dict(type=whole, default=0, help="of the processor (default: all)"),
    },
    "robustness": {
        "--smoothing": dict(type=share, default=0.05, help="of the labels"),
        "--balance": dict(
            choices=("none", "weights", "sampling"), default="none", help="for rare labels"
        ),
        "--misspelled": dict(type=share, default=0.0, help="share of queries read with a typo"),
        "--consistency": dict(type=amount, default=0.0, help="R-Drop: weight of like readings"),
        "--adversarial": dict(type=amount, default=0.0, help="FGM: step on the embeddings"),
        "--out-of-scope": dict(metavar="LABEL", help="choose a threshold that finds this label"),
    },
}


def arguments(add: Callable) -> None:
    """Declare the options on a parser, whose `add_argument` is given."""
    for options in GROUPS.values():
        for flag, about in options.items():
            default = about.get("default", 0)
            told = f" (default: {default})" if default and "default" not in about["help"] else ""
            add(flag, **about | {"help": about["help"] + told})


def command(args: argparse.Namespace) -> str:
    """The command line that gives these settings again, defaults left out."""
    words = ["python", "-m", "triton_models", "finetune"]
    for flag, about in (pair for options in GROUPS.values() for pair in options.items()):
        value = getattr(args, flag.removeprefix("--").replace("-", "_"))
        if value == about.get("default", False if "action" in about else None):
            continue
        words.append(flag)
        if "action" not in about:
            words += map(str, value if isinstance(value, list) else [value])
    return shlex.join(words)
