"""The options of `finetune`, as a table: without torch, so that --help is quick.

Here are those of several kinds; a kind's `options` has its own, names those of the shared ones
(`SHARES`) that not all kinds have, and gives defaults.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from triton_models.data import named
from triton_models.data.typos import CHINESE, OTHER_LANGUAGE, WITHOUT_SETS
from triton_models.kinds import KINDS, having
from triton_models.settings import LANGUAGES, UsageError
from triton_models.training import option_table
from triton_models.training.option_table import default_of, name_of
from triton_models.training.option_types import (
    above_nothing,
    above_zero,
    amount,
    share,
    whole,
)

RATES = {  # what is new and small learns faster than what is trained already
    "frozen": 1e-3,
    "full": 1e-4,
    "gradual": 1e-4,
    "lora": 5e-4,
    "adalora": 1e-3,
    "adapters": 5e-4,
    "prefix": 3e-3,
}
UNITS = {whole: "N", above_zero: "N", share: "0-1", amount: "X", above_nothing: "X", Path: "PATH"}
SIZED = ("lora", "adalora", "adapters", "prefix")


OWN = {name: KINDS[name].part("options") for name in having("options")}
GROUPS: dict[str, dict[str, dict[str, Any]]] = {
    "data": {
        "--manifest": dict(
            type=Path, metavar="MANIFEST", help="TOML file that names the sources of both sides"
        ),
        "--queries": dict(
            nargs="+",
            metavar="FILE",
            help="labelled queries: CSV, TSV, JSON lines, or FILE.json:list+list; tagged ones:"
            " JSON lines",
        ),
        "--pairs": dict(
            nargs="+",
            metavar="FILE",
            help="judged pairs: query, document and grade from 0 to 1, as CSV, TSV or JSON lines",
        ),
        "--columns": named.OPTION,
        "--dev": dict(metavar="FILE", help="the dev set (default: 15 %% of the queries, by hash)"),
        "--no-dev": dict(action="store_true", help="learn from everything, and judge nothing"),
        "--length": dict(
            type=whole,
            default=0,
            help="tokens read of a text or pair (default: what 99.9 %% of the data have, from 32)",
        ),
        "--start": dict(default="minilm", help="folder of a BERT checkpoint (default: MiniLM)"),
        "--out": dict(type=Path, default=Path("runs/finetuned"), help="checkpoint to write"),
    },
    "what is trained": {
        "--how": dict(
            choices=tuple(RATES), default="full", help="how much is trained (default: full)"
        ),
        "--size": dict(type=whole, default=0, help="rank, adapter width or prefix length"),
        "--layer-decay": dict(
            type=share,
            default=0.9,
            help="learning rate of each layer, as a multiple of that of the layer above",
        ),
        "--head-rate": dict(type=above_nothing, default=1e-3, help="learning rate of the head"),
        "--dropout": dict(
            type=share, help="share of values, in the BERT and the head (default: the checkpoint's)"
        ),
    },
    "schedule": {
        "--epochs": dict(type=above_zero, help="passes over the examples, at most"),
        "--batch": dict(type=above_zero, help="examples a step"),
        "--parts": dict(
            type=above_zero, default=1, help="read a batch in so many parts, to save memory"
        ),
        "--rate": dict(
            type=above_nothing, help="highest learning rate (default: by --how, 1e-4 for full)"
        ),
        "--warm-up": dict(
            type=share, default=0.1, help="share of the steps in which the learning rate rises"
        ),
        "--decay": dict(
            choices=("linear", "cosine"), default="linear", help="how the learning rate falls"
        ),
        "--weight-decay": dict(
            type=amount,
            default=0.01,
            help="of matrices, for each step, as a multiple of the learning rate",
        ),
        "--clip": dict(type=amount, default=1.0, help="maximum gradient norm, 0 for none"),
        "--patience": dict(
            type=whole,
            default=0,
            help="epochs without a better figure of dev after which to stop, 0 for never",
        ),
        "--metric": dict(
            choices=tuple(dict.fromkeys(m for one in OWN.values() for m in one.METRICS)),
            help="figure of dev that chooses the best epoch",
        ),
        "--precision": dict(
            choices=("fp32", "bf16", "fp16"), default="fp32", help="of the numbers, on a GPU"
        ),
        "--seed": dict(type=whole, default=17, help="of everything random"),
        "--seeds": dict(
            type=above_zero,
            default=1,
            help="runs, each with the next seed; their mean and spread, and the mean of their"
            " weights if that is better (default: 1)",
        ),
        "--threads": dict(type=whole, default=0, help="of the processor (default: all of them)"),
    },
    "robustness": {
        "--smoothing": dict(type=share, default=0.05, help="label smoothing"),
        "--balance": dict(
            choices=("none", "weights", "sampling"),
            default="none",
            help="how rare labels count as much as others",
        ),
        "--misspelled": dict(type=share, default=0.0, help="share of queries read with a typo"),
        "--language": dict(
            choices=LANGUAGES, default="en", help="of the queries, for typos and styles"
        ),
        "--confusions": dict(
            nargs="+",
            metavar="FILE",
            help="of Chinese: characters taken for others: one, a tab and those, a line each",
        ),
        "--consistency": dict(
            type=amount, default=0.0, help="R-Drop: weight of the divergence of two readings"
        ),
        "--adversarial": dict(
            type=amount,
            default=0.0,
            help="FGM: length of the step on the embeddings, which are about 1 long",
        ),
    },
}
SHARED = {flag: about for options in GROUPS.values() for flag, about in options.items()}
OPTIONS = SHARED | {f: about for one in OWN.values() for f, about in one.OPTIONS.items()}
SOME = {flag for one in OWN.values() for flag in one.SHARES}  # shared by some kinds, not by all
ONLY = {  # the kinds that an option goes with
    flag: tuple(
        kind
        for kind, one in OWN.items()
        if flag in one.OPTIONS or flag in one.SHARES or (flag in SHARED and flag not in SOME)
    )
    for flag in OPTIONS
}
DEFAULTS = {  # by kind
    flag: {kind: one.DEFAULTS[flag] for kind, one in OWN.items()}
    for flag in ("--epochs", "--batch")
} | {"--metric": {kind: one.METRICS[0] for kind, one in OWN.items()}}


def declare(parser: argparse.ArgumentParser, out: dict[str, Any] | None = None) -> None:
    """Declare the options on a parser, in groups; what is not given is not in what it returns
    (`finetune_config.configured` fills it in). `out` is what another command says of its --out.
    """
    parser.add_argument("kind", choices=OWN)
    groups = GROUPS | {f"of {kind} alone": one.OPTIONS for kind, one in OWN.items() if one.OPTIONS}
    for title, table in groups.items():
        add = parser.add_argument_group(title).add_argument
        for flag, about in table.items():
            about = about | (out or {}) if flag == "--out" else about
            unit = {} if about.keys() & {"action", "choices"} else {"metavar": unit_of(about)}
            add(flag, **unit | about | {"default": argparse.SUPPRESS, "help": help_of(flag, about)})
    option_table.declare({}, parser.add_argument_group("configuration").add_argument)


def unit_of(about: dict[str, Any]) -> str:
    """What a value of an option is, as --help shows it."""
    return UNITS.get(about.get("type"), "NAME")


def help_of(flag: str, about: dict[str, Any]) -> str:
    """What --help says of an option: the kinds it goes with, what it is, its default."""
    default, told = about.get("default", 0), about["help"]
    if by_kind := DEFAULTS.get(flag):
        told += f" (default: {', '.join(f'{kind} {value}' for kind, value in by_kind.items())})"
    elif default and "default" not in told:
        told += f" (default: {default})"
    return told if len(ONLY[flag]) == len(OWN) else f"{', '.join(ONLY[flag])}: {told}"


def value(args: argparse.Namespace, flag: str) -> Any:
    return getattr(args, name_of(flag))


def is_given(args: argparse.Namespace, flag: str) -> bool:
    """Whether an option has another value than its default."""
    return value(args, flag) != default_of(OPTIONS[flag])


def check(args: argparse.Namespace) -> None:
    """Raises UsageError for options that do not go together."""
    kind, own = args.kind, OWN[args.kind]
    for flag, only in ONLY.items():
        if kind not in only and is_given(args, flag):
            raise UsageError(f"{flag} goes with {' and '.join(only)}, not with {kind}")
    files = "--pairs" if kind in ONLY["--pairs"] else "--queries"
    sources = [flag for flag in ("--manifest", files) if is_given(args, flag)]
    out = args.leave_one_source_out
    faults = (
        (len(sources) != 1, f"give --manifest or {files}, one of them"),
        (args.dev and args.no_dev, "give --dev or --no-dev, not both"),
        (args.manifest and (args.dev or args.no_dev), "a manifest says what is dev: its `split`"),
        (args.manifest and args.columns, "a manifest names its own columns: leave --columns out"),
        (out and (args.dev or args.no_dev), "--leave-one-source-out has its own dev sets"),
        (out and args.seeds > 1, "--leave-one-source-out takes one seed: leave --seeds out"),
        (args.seeds > 1 and args.no_dev, "--seeds are compared on dev: leave --no-dev out"),
        (
            args.metric and args.metric not in own.METRICS,
            f"--metric {args.metric}: of {kind} there are {', '.join(own.METRICS)}",
        ),
        (
            args.metric and args.no_dev,
            f"--metric {args.metric} chooses the best epoch on dev: leave it or --no-dev out",
        ),
        (
            args.language == CHINESE and args.misspelled and not args.confusions,
            WITHOUT_SETS,
        ),
        (args.confusions and args.language != CHINESE, OTHER_LANGUAGE),
        (
            args.size and args.how not in SIZED,
            f"--size goes with --how {', '.join(SIZED)}, not with {args.how}",
        ),
        (
            kind not in ONLY["--head-rate"] and args.how == "frozen",
            f"--how frozen trains a head, and {kind} has none: choose another",
        ),
        (
            args.how == "frozen" and is_given(args, "--rate"),
            "--how frozen trains the head alone: give --head-rate instead of --rate",
        ),
        (
            args.how == "frozen" and is_given(args, "--layer-decay"),
            "--how frozen trains no layer: leave --layer-decay out",
        ),
    )
    if told := "; ".join(text for wrong, text in faults if wrong):
        raise UsageError(told)
    named.given_of(files.removeprefix("--"), args.columns)


def settled(args: argparse.Namespace) -> argparse.Namespace:
    """The same with the defaults that hang on the kind and on each other."""
    given = vars(args) | {"rate": args.rate or RATES[args.how]}
    for flag, by_kind in DEFAULTS.items():
        name = flag.removeprefix("--")
        given[name] = by_kind[args.kind] if given[name] is None else given[name]
    return argparse.Namespace(**given)


def command(args: argparse.Namespace) -> str:
    """The command line that gives these settings again, defaults left out."""
    return option_table.command(f"finetune {args.kind}", OPTIONS, args)
