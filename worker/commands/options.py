"""What every command shares: where its configuration comes from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from worker import logs
from worker.config.load import load_settings
from worker.config.settings import Settings


def configured(command: Callable) -> Callable:
    """The options that every command shares."""
    for option in (
        click.option(
            "--set", "assignments", multiple=True, metavar="PART.KEY=VALUE", help="One setting."
        ),
        click.option(
            *("-c", "--config", "file"), type=click.Path(path_type=Path), help="A TOML file."
        ),
    ):
        command = option(command)
    return command


def load(file: Path | None, assignments: tuple[str, ...], quiet: bool = False) -> Settings:
    """The settings, with the log set up as they say; `quiet` leaves out what is only news.

    Raises:
        ConfigError: names every fault.
    """
    settings = load_settings(file, assignments=assignments)
    level = "warning" if quiet and settings.logging.level == "info" else settings.logging.level
    logs.set_up(settings.logging.model_copy(update={"level": level}))
    return settings
