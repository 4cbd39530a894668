"""The options of `pretrain`: without torch, so that --help is quick."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from triton_models.settings import UsageError
from triton_models.training import option_table

TABLE: option_table.Table = {
    "checkpoint": dict(metavar="CHECKPOINT", help="folder of a BERT checkpoint, or minilm"),
    "--text": dict(
        nargs="+",
        type=Path,
        metavar="FILE",
        help="a text a line (.txt), or columns query, text, term, title, description",
    ),
    "--manifest": dict(type=Path, help="TOML file that names the sources instead"),
    "--out": dict(type=Path, required=True, help="checkpoint to write"),
    **option_table.schedule(epochs=3, batch=64, rate=1e-4),
}


def arguments(add: Callable) -> None:
    option_table.declare(TABLE, add)


def check(args: argparse.Namespace) -> None:
    """Raises UsageError for options that do not go together, or are missing."""
    if bool(args.text) == bool(args.manifest):
        raise UsageError("give --text FILE… or --manifest, one of them")


def command(args: argparse.Namespace) -> str:
    return option_table.command("pretrain", TABLE, args)
