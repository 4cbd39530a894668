"""The picture of a training, SVG. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from triton_models.evaluation.cells import NAMES
from triton_models.evaluation.pictures import BLUE, GREY, INK, ORANGE, STYLE

MOST = 3  # figures of dev in it


def draw(place: Path, picture: Callable[..., Figure], *given: Any) -> None:
    """Write a picture; the same figures give the same bytes."""
    with matplotlib.rc_context(STYLE):
        picture(*given).savefig(place, bbox_inches="tight", metadata={"Date": None})


def training(result: Mapping[str, Any]) -> Figure:
    """The loss over the steps, and below it the figures of dev after each epoch."""
    steps, figures, metric = result["steps"], result["judged"], result["metric"]
    names = [metric, *(n for n in (figures[0] if figures else ()) if n != metric)][:MOST]
    figure = Figure(figsize=(7, 5 if figures else 2.8), layout="constrained")
    panels = figure.subplots(1 + bool(figures), 1, sharex=True, squeeze=False)[:, 0]
    trace = result["trace"]
    panels[0].plot(trace["step"], trace["loss"], color=BLUE, linewidth=1.2)
    panels[0].set(ylabel="loss", ylim=(0, None) if min(trace["loss"], default=0) >= 0 else None)
    for name, color in zip(names if figures else (), (ORANGE, INK, GREY), strict=False):
        values = [row[name] for row in figures]
        panels[1].plot(steps, values, "o-", color=color, markersize=4, label=named(name))
    if figures:
        panels[1].axvline(steps[result["best_epoch"] - 1], color=GREY, dashes=(4, 3), label="kept")
        panels[1].set_ylabel("dev")
        panels[1].legend(loc="best", fontsize=9)
    panels[-1].set_xlabel("steps")
    return figure


def named(figure: str) -> str:
    return NAMES.get(figure, figure.replace("_", " "))
