"""Pictures of a search and a learning curve. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from triton_models.evaluation.cells import NAMES
from triton_models.evaluation.pictures import BLUE, GREY, ORANGE, canvas

COLUMNS = 4


def search(trials: Sequence[Any], metric: str, weights: Mapping[str, float]) -> Figure:
    """The figure of each trial of optuna as they came, and over each option that was chosen."""
    trials = sorted((t for t in trials if t.intermediate_values), key=lambda t: t.number)
    names = list(dict.fromkeys(name for trial in trials for name in trial.params))
    names.sort(key=lambda name: -weights.get(name, 0))
    rows = 1 + -(-len(names) // COLUMNS)
    figure = Figure(figsize=(2.6 * COLUMNS, 2.5 * rows), layout="constrained")
    grid = figure.add_gridspec(rows, COLUMNS)
    top = figure.add_subplot(grid[0, :])
    found = [max(trial.intermediate_values.values()) for trial in trials]
    points(top, [trial.number for trial in trials], found, trials)
    whole = [(t.number, v) for t, v in zip(trials, found, strict=True) if complete(t)]
    best = list(accumulate((value for _, value in whole), max))
    top.step([n for n, _ in whole], best, where="post", color=ORANGE, label="best")
    top.plot([], [], "o", color=BLUE, label="complete")
    top.plot([], [], "o", color=BLUE, mfc="none", label="stopped")
    top.set(xlabel="trial", ylabel=f"{metric} of dev")
    top.legend(loc="lower right", bbox_to_anchor=(1, 1), fontsize=8, ncols=3)
    for i, name in enumerate(names):
        panel = figure.add_subplot(grid[1 + i // COLUMNS, i % COLUMNS])
        values = [trial.params.get(name) for trial in trials]
        if getattr(trials[0].distributions[name], "log", False):
            logarithmic(panel)
        over(panel, values, found, trials)
        weight = f" ({weights[name]:.0%})" if name in weights else ""
        panel.set_xlabel(name.replace("_", " ") + weight)
    return figure


def logarithmic(axes: Axes) -> None:
    """A logarithmic axis whose few ticks have room in a small panel."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()


def complete(trial: Any) -> bool:
    return trial.state.name == "COMPLETE"


def points(axes: Axes, x: Sequence, y: Sequence[float], trials: Sequence[Any]) -> None:
    """A point for each trial, hollow where it was stopped."""
    faces = [BLUE if complete(trial) else "none" for trial in trials]
    axes.scatter(x, y, 22, facecolors=faces, edgecolors=BLUE, zorder=3)


def over(axes: Axes, values: Sequence[Any], found: Sequence[float], trials: Sequence[Any]) -> None:
    """The figures over the values of an option; choices stand side by side."""
    numbers = all(isinstance(value, float) for value in values)
    if not numbers:
        choices = sorted(set(values), key=lambda v: (isinstance(v, str), v))
        axes.set_xticks(range(len(choices)), [str(choice) for choice in choices])
        values = [choices.index(value) for value in values]
    points(axes, values, found, trials)


def curve(found: Mapping[str, Any]) -> Figure:
    """The figure of dev over the examples to learn from, and what the power law says of more."""
    figure, (axes,) = canvas(7, 4.2)
    rows = found["rows"]
    seen = [row["examples"] for row in rows]
    if law := found.get("law"):
        band = law["band"]
        axes.fill_between(band["examples"], band["low"], band["high"], color=ORANGE, alpha=0.15)
        axes.plot(band["examples"], band["value"], color=ORANGE, label="power law, 95 %")
    each = [(row["examples"], value) for row in rows for value in row["values"]]
    axes.plot(*zip(*each, strict=True), "o", color=BLUE, alpha=0.35, markersize=4)
    axes.plot(seen, [row["mean"] for row in rows], "o", color=BLUE, label="measured")
    axes.axvline(seen[-1], color=GREY, dashes=(4, 3))
    axes.set_xscale("log")
    ticks = [*seen, 2 * seen[-1], 4 * seen[-1]] if law else seen
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    name = NAMES.get(found["metric"], found["metric"])
    axes.set(xlabel="examples to learn from", ylabel=f"{name} of dev")
    axes.legend(loc="lower right")
    return figure
