"""What commands share: options, settings, a reader of stdout that closes it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from worker import logs
from worker.config.load import load_settings, log_format
from worker.config.settings import Settings
from worker.errors import ConfigError


def sources(command: Callable) -> Callable:
    """Add the options -c and --set, as `file` and `assignments`."""
    command = click.option(
        "--set",
        "assignments",
        multiple=True,
        metavar="PART.KEY=VALUE",
        help="Set one setting; can be repeated.",
    )(command)
    return click.option(
        "-c", "--config", "file", type=click.Path(path_type=Path), help="Configuration file, TOML."
    )(command)


def configured(command: Callable) -> Callable:
    """Add the same options; the command gets the `settings`, and logs warnings and errors only."""

    @wraps(command)
    def loaded(file: Path | None, assignments: tuple[str, ...], **named: Any) -> None:
        command(settings=load(file, assignments, quiet=True), **named)

    return sources(loaded)


def load(file: Path | None, assignments: tuple[str, ...], quiet: bool = False) -> Settings:
    """The settings; sets up logging. `quiet` raises the default level from info to warning.

    Raises:
        ConfigError: names every fault.
    """
    try:
        settings = load_settings(file, assignments=assignments)
    except ConfigError:
        logs.set_up(log_format(file, assignments))
        raise
    level = "warning" if quiet and settings.logging.level == "info" else settings.logging.level
    logs.set_up(settings.logging.model_copy(update={"level": level}))
    return settings


def piped(command: Callable) -> Callable:
    """End quietly when the reader of stdout closes it, as `head` does."""

    @wraps(command)
    def piped(*arguments: Any, **named: Any) -> None:
        try:
            command(*arguments, **named)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    return piped
