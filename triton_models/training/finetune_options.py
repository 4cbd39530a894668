"""The options of `finetune`, as a table: without torch, so that --help is quick.

`only` names the kinds of model that an option goes with, `by_kind` its default for each.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from triton_models.contract import KINDS
from triton_models.settings import UsageError
from triton_models.training.option_types import (
    above_nothing,
    above_zero,
    amount,
    share,
    sizes,
    whole,
)

INTENT, ENCODER, PAIRS = ("intent",), ("encoder",), ("encoder", "matching")
GRADED = ("intent", "matching")
METRICS = {  # of dev, by which the best epoch is chosen; the first if none is said
    "intent": ("accuracy", "macro_f1", "micro_f1"),
    "encoder": ("ndcg@10", "mrr", "recall@1", "recall@5"),
    "matching": ("auc_roc", "average_precision", "ndcg@10"),
}
RATES = {  # what is new and small learns faster than what is trained already
    "frozen": 1e-3,
    "full": 1e-4,
    "gradual": 1e-4,
    "lora": 5e-4,
    "adalora": 1e-3,
    "adapters": 5e-4,
    "prefix": 3e-3,
}
SIZED = ("lora", "adalora", "adapters", "prefix")


GROUPS: dict[str, dict[str, dict[str, Any]]] = {
    "data": {
        "--manifest": dict(
            type=Path, metavar="MANIFEST", help="TOML file that names the sources of both sides"
        ),
        "--queries": dict(
            nargs="+",
            metavar="FILE",
            only=INTENT,
            help="labelled queries: CSV, TSV, JSON lines, or FILE.json:list+list",
        ),
        "--pairs": dict(
            nargs="+",
            metavar="FILE",
            only=PAIRS,
            help="judged pairs: query, document and grade from 0 to 1, as CSV, TSV or JSON lines",
        ),
        "--dev": dict(metavar="FILE", help="the dev set (default: 15 %% of the queries, by hash)"),
        "--no-dev": dict(action="store_true", help="learn from everything, and judge nothing"),
        "--columns": dict(
            metavar="TEXT,LABEL", only=INTENT, help="if not query,intent or text,category"
        ),
        "--multi": dict(
            action="store_true", only=INTENT, help="several labels a query, each of its own"
        ),
        "--leave-one-source-out": dict(
            action="store_true",
            only=INTENT,
            help="train on all sources but one, judge on that one, for each; leaves a table"
            " (quickest with --how frozen --pooling mean)",
        ),
        "--start": dict(default="minilm", help="folder of a BERT checkpoint (default: MiniLM)"),
        "--out": dict(type=Path, default=Path("runs/finetuned"), help="checkpoint to write"),
    },
    "what is trained": {
        "--how": dict(
            choices=tuple(RATES), default="full", help="how much is trained (default: full)"
        ),
        "--size": dict(type=whole, default=0, help="rank, adapter width or prefix length"),
        "--pooling": dict(
            choices=("cls", "mean"), default="cls", only=INTENT, help="what the head sees"
        ),
        "--layer-decay": dict(type=share, default=0.9, help="rate of a layer, of the one above"),
        "--head-rate": dict(
            type=above_nothing, default=1e-3, only=GRADED, help="learning rate of the head"
        ),
        "--dropout": dict(type=share, help="of the BERT and the head (default: the checkpoint's)"),
        "--category-weight": dict(
            type=amount,
            default=0.0,
            only=INTENT,
            help="of learning the column `category` too, by a head that is dropped in the end",
        ),
    },
    "vectors": {
        "--sizes": dict(
            type=sizes,
            metavar="N,N,…",
            default=(),
            only=ENCODER,
            help="Matryoshka: leading parts of the vector that are to stand alone, as 192,96",
        ),
        "--temperature": dict(
            type=above_nothing, default=0.05, only=ENCODER, help="of the cosines in the loss"
        ),
        "--hard-negatives": dict(
            type=whole, default=1, only=ENCODER, help="documents mined for each pair; 0 for none"
        ),
        "--mine-every": dict(type=above_zero, default=1, only=ENCODER, help="so many epochs"),
        "--keep": dict(
            type=amount,
            default=0.0,
            only=ENCODER,
            help="weight of the distance to the starting model's vectors, so that little is lost",
        ),
    },
    "schedule": {
        "--epochs": dict(
            type=above_zero,
            by_kind={"intent": 15, "encoder": 5, "matching": 5},
            help="passes over the examples, at most",
        ),
        "--batch": dict(
            type=above_zero,
            by_kind={"intent": 32, "encoder": 64, "matching": 32},
            help="examples a step",
        ),
        "--parts": dict(
            type=above_zero, default=1, only=GRADED, help="split a step, to save memory"
        ),
        "--rate": dict(
            type=above_nothing, help="highest learning rate (default: by --how, 1e-4 for full)"
        ),
        "--warm-up": dict(type=share, default=0.1, help="share of the steps"),
        "--decay": dict(choices=("linear", "cosine"), default="linear", help="of the rate"),
        "--weight-decay": dict(type=amount, default=0.01, help="of matrices"),
        "--clip": dict(type=amount, default=1.0, help="longest gradient"),
        "--patience": dict(type=whole, default=0, help="stop after so many epochs without a best"),
        "--metric": dict(
            choices=tuple(dict.fromkeys(m for names in METRICS.values() for m in names)),
            by_kind={kind: names[0] for kind, names in METRICS.items()},
            help="that chooses the best epoch",
        ),
        "--precision": dict(choices=("fp32", "bf16", "fp16"), default="fp32", help="on a GPU"),
        "--seed": dict(type=whole, default=17, help="of everything random"),
        "--threads": dict(type=whole, default=0, help="of the processor (default: all)"),
    },
    "robustness": {
        "--smoothing": dict(type=share, default=0.05, only=GRADED, help="of what is wanted"),
        "--balance": dict(
            choices=("none", "weights", "sampling"),
            default="none",
            only=GRADED,
            help="for rare labels",
        ),
        "--misspelled": dict(type=share, default=0.0, help="share of queries read with a typo"),
        "--restyled": dict(
            type=share,
            default=0.0,
            only=INTENT,
            help="share of queries read in another style: keywords, sentence, case, order, …",
        ),
        "--consistency": dict(
            type=amount, default=0.0, only=INTENT, help="R-Drop: weight of like readings"
        ),
        "--adversarial": dict(type=amount, default=0.0, help="FGM: step on the embeddings"),
        "--out-of-scope": dict(
            metavar="LABEL", only=INTENT, help="choose a threshold that finds this label"
        ),
    },
}
OPTIONS = {flag: about for options in GROUPS.values() for flag, about in options.items()}
OURS = ("only", "by_kind")  # what argparse does not know


def arguments(add: Callable) -> None:
    """Declare the options on a parser, whose `add_argument` is given."""
    add("kind", choices=KINDS)
    for flag, about in OPTIONS.items():
        add(flag, **{k: v for k, v in about.items() if k not in OURS} | {"help": help_of(about)})


def help_of(about: dict[str, Any]) -> str:
    """What --help says of an option: the kinds it goes with, what it is, its default."""
    default, told = about.get("default", 0), about["help"]
    if by_kind := about.get("by_kind"):
        told += f" (default: {', '.join(f'{kind} {value}' for kind, value in by_kind.items())})"
    elif default and "default" not in told:
        told += f" (default: {default})"
    return f"{', '.join(about['only'])}: {told}" if "only" in about else told


def value(args: argparse.Namespace, flag: str) -> Any:
    return getattr(args, flag.removeprefix("--").replace("-", "_"))


def is_given(args: argparse.Namespace, flag: str) -> bool:
    """Whether an option has another value than its default."""
    about = OPTIONS[flag]
    return value(args, flag) != about.get("default", False if "action" in about else None)


def check(args: argparse.Namespace) -> None:
    """Raises UsageError for options that do not go together."""
    kind, files = args.kind, "--queries" if args.kind == "intent" else "--pairs"
    for flag, about in OPTIONS.items():
        if kind not in about.get("only", KINDS) and is_given(args, flag):
            raise UsageError(f"{flag} goes with {' and '.join(about['only'])}, not with {kind}")
    sources = [flag for flag in ("--manifest", files) if is_given(args, flag)]
    out = args.leave_one_source_out
    faults = (
        (len(sources) != 1, f"give --manifest or {files}, one of them"),
        (args.dev and args.no_dev, "give --dev or --no-dev, not both"),
        (args.manifest and (args.dev or args.no_dev), "a manifest says what is dev: its `split`"),
        (args.manifest and args.columns, "a manifest names its own columns: leave --columns out"),
        (
            args.columns and args.columns.count(",") != 1,
            f"--columns {args.columns}: name two, as --columns text,label",
        ),
        (out and (args.dev or args.no_dev), "--leave-one-source-out has its own dev sets"),
        (
            args.metric and args.metric not in METRICS[kind],
            f"--metric {args.metric}: of {kind} there are {', '.join(METRICS[kind])}",
        ),
        (
            args.metric and args.no_dev,
            f"--metric {args.metric} chooses the best epoch on dev: leave it or --no-dev out",
        ),
        (
            args.size and args.how not in SIZED,
            f"--size goes with --how {', '.join(SIZED)}, not with {args.how}",
        ),
        (
            kind == "encoder" and args.how == "frozen",
            "--how frozen trains a head, and an encoder has none: choose another",
        ),
    )
    if told := "; ".join(text for wrong, text in faults if wrong):
        raise UsageError(told)


def settled(args: argparse.Namespace) -> argparse.Namespace:
    """The same with the defaults that hang on the kind and on each other."""
    given = vars(args) | {"rate": args.rate or RATES[args.how]}
    if args.multi and not args.metric:
        given["metric"] = "micro_f1"
    for flag, about in OPTIONS.items():
        name = flag.removeprefix("--")
        if "by_kind" in about and given[name] is None:
            given[name] = about["by_kind"][args.kind]
    return argparse.Namespace(**given)


def command(args: argparse.Namespace) -> str:
    """The command line that gives these settings again, defaults left out."""
    words = ["python", "-m", "triton_models", "finetune", args.kind]
    for flag, about in OPTIONS.items():
        if is_given(args, flag):
            words.append(flag)
            if "action" not in about:
                words += words_of(value(args, flag))
    return shlex.join(words)


def words_of(value: Any) -> list[str]:
    """A value as the command line gives it: several words where an option takes several."""
    if isinstance(value, tuple):
        return [",".join(map(str, value))]
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
