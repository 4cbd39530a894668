"""The steps of `combine` and their options: without torch, so that --help is quick."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from triton_models.data import named
from triton_models.settings import LANGUAGES, UsageError
from triton_models.training.finetune_options import SHARED
from triton_models.training.option_table import Table, command, schedule
from triton_models.training.option_types import above_zero, amount, numbers, share


@dataclass(frozen=True)
class Step:
    """One step of `combine`: what --help says, an example, its options."""

    help: str
    example: str
    table: Table

    def command(self, args: argparse.Namespace) -> str:
        """The command line that gives these settings again."""
        return command(f"combine {args.step}", self.table, args)

    def options(self, args: argparse.Namespace) -> dict[str, Any]:
        """The same as `--config` takes them."""
        from triton_models.training import configuration  # needs pydantic, which --help does not

        return configuration.told(args, self.table)


LABELLED = "labelled queries: CSV, TSV, JSON lines, or FILE.json:list+list"
TEXTS = "a query a line (.txt), or columns query, text, term, title, description"
RUNS = dict(nargs="+", type=Path, metavar="RUN", help="folder of a checkpoint")
LAYERS = dict(type=numbers, metavar="N,N,…", help="of its layers those to keep, as 0,2,4")
PIECES = dict(type=above_zero, metavar="N", help="of its vocabulary so many pieces to keep")

STEPS = {
    "average": Step(
        "the mean of the weights of runs with one shape, as of other seeds",
        "python -m triton_models combine average runs/a runs/b --out runs/mean",
        {
            "runs": RUNS,
            "--queries": dict(nargs="+", metavar="FILE", help=f"dev, to compare: {LABELLED}"),
            "--columns": named.OPTION,
            "--out": dict(type=Path, required=True, help="checkpoint to write"),
        },
    ),
    "stack": Step(
        "weigh several classifiers by what they say of dev",
        "python -m triton_models combine stack runs/a runs/b --queries dev.csv --out stack.json",
        {
            "runs": RUNS,
            "--queries": dict(nargs="+", required=True, metavar="FILE", help=f"dev: {LABELLED}"),
            "--columns": named.OPTION,
            "--out": dict(type=Path, required=True, help="file that distil takes as --teachers"),
        },
    ),
    "distil": Step(
        "teach a small model what one or several large ones of its kind say",
        "python -m triton_models combine distil --teachers runs/a runs/b --layers 0,2,4"
        " --queries mine.csv --text log.txt --out runs/small",
        {
            "--teachers": dict(
                nargs="+",
                type=Path,
                required=True,
                metavar="RUN",
                help="runs of one kind, whose mean is learned, or the file that `stack` wrote",
            ),
            "--student": dict(
                metavar="CHECKPOINT", help="BERT to begin with, or minilm (default: first teacher)"
            ),
            "--layers": LAYERS,
            "--pieces": PIECES,
            "--queries": dict(nargs="+", default=[], metavar="FILE", help=f"intent: {LABELLED}"),
            "--columns": named.OPTION,
            "--text": dict(
                nargs="+",
                type=Path,
                default=[],
                metavar="FILE",
                help=f"without labels: {TEXTS}; matching and encoder: query and document, with a"
                " tab between the two or as columns",
            ),
            "--dev": dict(
                nargs="+", metavar="FILE", help="intent: dev set (default: 15 %% of all)"
            ),
            "--out": dict(type=Path, required=True, help="checkpoint to write"),
            "--temperature": dict(type=amount, default=2.0, help="that softens what they say"),
            "--label-weight": dict(
                type=share, default=0.3, help="intent: of a known label, beside the teachers' word"
            ),
            "--misspelled": dict(type=share, default=0.1, help="share that it reads with a typo"),
            "--language": dict(
                choices=LANGUAGES, help="of the texts, for typos (default: the teachers')"
            ),
            "--confusions": SHARED["--confusions"],
            **schedule(epochs=10, batch=32, rate=2e-4),
        },
    ),
    "prune": Step(
        "a checkpoint with fewer layers and a smaller vocabulary",
        "python -m triton_models combine prune runs/a --layers 0,2,4 --pieces 9000"
        " --text log.txt --out runs/small",
        {
            "run": dict(type=Path, metavar="RUN", help="folder of a checkpoint"),
            "--layers": LAYERS,
            "--pieces": PIECES,
            "--text": dict(
                nargs="+", type=Path, default=[], metavar="FILE", help=f"for --pieces: {TEXTS}"
            ),
            "--out": dict(type=Path, required=True, help="checkpoint to write"),
        },
    ),
    "table": Step(
        "size, speed and quality of classifiers in float32, float16 and three kinds of int8",
        "python -m triton_models combine table runs/large runs/small --queries dev.csv",
        {
            "runs": RUNS,
            "--queries": dict(nargs="+", required=True, metavar="FILE", help=f"dev: {LABELLED}"),
            "--columns": named.OPTION,
            "--text": dict(
                nargs="+",
                type=Path,
                default=[],
                metavar="FILE",
                help=f"for static int8 to look at (default: dev's queries): {TEXTS}",
            ),
            "--report": dict(type=Path, metavar="DIR", help="write it as Markdown and JSON"),
        },
    ),
}


def check(args: argparse.Namespace) -> None:
    """Raises UsageError for options that do not go together."""
    step, few = args.step, len(getattr(args, "runs", ()))
    pruned = step == "prune"
    faults = (
        (step in ("average", "stack") and few < 2, "give two runs or more"),
        (step == "distil" and not args.queries + args.text, "give --queries or --text, or both"),
        (
            getattr(args, "columns", ()) and not (args.queries or getattr(args, "dev", None)),
            "--columns goes with --queries" + (" or --dev" if step == "distil" else ""),
        ),
        (step == "distil" and not args.temperature, "--temperature is a number above 0"),
        (pruned and not args.layers and not args.pieces, "give --layers or --pieces, or both"),
        (pruned and args.pieces and not args.text, "--pieces needs --text: what it is used for"),
        (pruned and args.text and not args.pieces, "--text goes with --pieces"),
    )
    if told := "; ".join(text for wrong, text in faults if wrong):
        raise UsageError(told)
