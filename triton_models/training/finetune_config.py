"""`--config` of `finetune`, and of the commands that train as it does: see `configuration`."""

from __future__ import annotations

import argparse
from functools import cache
from typing import Any

from pydantic import BaseModel

from triton_models.training import configuration
from triton_models.training import finetune_options as options
from triton_models.training.option_table import Table


@cache
def model() -> type[BaseModel]:
    """The configuration: every option by its name, with its range and default."""
    return configuration.model(options.OPTIONS, "Finetune")


def configured(args: argparse.Namespace, more: Table | None = None) -> argparse.Namespace:
    """The options of a command line, those that it leaves out as `--config` or the defaults say;
    `more` are options of another command beside those of `finetune`.
    """
    command = f"finetune {args.kind}"
    return configuration.configured(args, {**options.OPTIONS, **(more or {})}, command, args.kind)


def told(args: argparse.Namespace) -> dict[str, Any]:
    """The options of a run, as `--config` takes them: those that go with its kind."""
    flags = [flag for flag, kinds in options.ONLY.items() if args.kind in kinds]
    return configuration.told(args, options.OPTIONS, flags)
