"""The pictures of a report, SVG, drawn from what stands in its JSON. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from triton_models.evaluation.cells import NAMES

Report = dict

INK, BLUE, ORANGE, GREY = "#24292f", "#2563a8", "#d9722e", "#d0d7de"
STYLE = {
    "svg.hashsalt": "report",  # the same report gives the same bytes
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#eaeef2",
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
}
BLANK = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}  # behind a number on a line
NUMBERED = 20  # labels up to which the confusions show their counts


def draw(report: Report, folder: Path) -> list[str]:
    """Write a picture for each part of the report that has one; their names."""
    kind = COMPARISON if report["kind"] == "compare" else PICTURES
    names = [name for name in kind if report.get(name)]
    with matplotlib.rc_context(STYLE):
        for name in names:
            figure = kind[name](report)
            path = folder / f"{name}.svg"
            figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    return names


def canvas(width: float, height: float, columns: int = 1) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, list(figure.subplots(1, columns, squeeze=False)[0])


def confusion(report: Report) -> Figure:
    """Shares of each wanted label, with counts while they can be read."""
    labels = report["confusion"]["labels"]
    counts = np.array(report["confusion"]["counts"])
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    side = max(4.5, (0.75 if len(labels) <= NUMBERED else 0.2) * len(labels) + 1)
    figure, (axes,) = canvas(side + 0.8, side)
    mesh = axes.pcolormesh(
        shares, cmap="Blues", vmin=0, vmax=1, edgecolors="white", linewidth=0.3,
        rasterized=len(labels) > NUMBERED,
    )  # fmt: skip
    axes.set_aspect("equal")
    axes.invert_yaxis()
    axes.grid(False)
    size = 10 if len(labels) <= NUMBERED else 6
    places = np.arange(len(labels)) + 0.5
    upright = 90 if len(labels) > 8 or max(map(len, labels)) > 12 else 0
    axes.set_xticks(places, labels, rotation=upright, fontsize=size)
    axes.set_yticks(places, labels, fontsize=size)
    axes.tick_params(length=0)
    axes.set(xlabel="found", ylabel="wanted")
    if len(labels) <= NUMBERED:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                color = "white" if shares[row, column] > 0.5 else INK
                spot = (column + 0.5, row + 0.5)
                axes.annotate(f"{count}", spot, ha="center", va="center", color=color)
    bar = figure.colorbar(mesh, ax=axes, shrink=0.7, format="{x:.0%}")
    bar.set_label("share of the wanted label")
    bar.outline.set_visible(False)
    return figure


def calibration(report: Report) -> Figure:
    """Accuracy against confidence, before and after; below, how many rows there are."""
    figure = Figure(figsize=(8.6, 5), layout="constrained")
    tops, bottoms = figure.subplots(2, 2, sharex=True, height_ratios=(4, 1))
    for top, bottom, name in zip(tops, bottoms, ("before", "after"), strict=True):
        part = report["calibration"][name]
        bins = part["bins"]
        sure, good = ([b[n] for b in bins] for n in ("confidence", "accuracy"))
        top.plot([0, 1], [0, 1], color=GREY, dashes=(4, 3))
        rows = np.array([b["rows"] for b in bins])
        top.vlines(sure, sure, good, color=ORANGE, linewidth=3, alpha=0.5, label="gap")
        top.vlines(sure, *([b[n] for b in bins] for n in ("low", "high")), color=BLUE, alpha=0.4)
        top.scatter(sure, good, 15 + 185 * rows / rows.max(), color=BLUE, label="accuracy",
                    clip_on=False, zorder=3)  # fmt: skip
        when = "as it is" if name == "before" else "temperature from other rows"
        top.set_title(f"{when}: error {part['ece']:.3f}", fontsize=11)
        top.set(xlim=(0, 1), ylim=(-0.03, 1.05), ylabel="accuracy" if name == "before" else "")
        width = bins[0]["to"] - bins[0]["from"]
        bottom.bar([b["from"] for b in bins], rows, width, align="edge", color=BLUE, ec="white")
        bottom.set_yscale("symlog", linthresh=1)
        bottom.yaxis.set_major_formatter("{x:,.0f}")
        bottom.set(xlabel="confidence", ylabel="rows" if name == "before" else "")
    tops[0].legend(loc="upper left", markerscale=0.5)
    return figure


def coverage(report: Report) -> Figure:
    """Risk against coverage, and the share of errors of all rows."""
    figure, (axes,) = canvas(5.6, 3.8)
    c = report["coverage"]
    area = c["aurc"]["value"]
    axes.step(c["curve"]["coverage"], c["curve"]["risk"], color=BLUE, label=f"AURC {area:.3f}")
    axes.axhline(c["risk"], color=GREY, dashes=(4, 3), label="all rows")
    axes.set(xlabel="coverage", ylabel="risk", xlim=(0, 1.02))
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper left")
    return figure


def slices(report: Report) -> Figure:
    """The first figure of each slice with its interval."""
    groups = report["slices"]
    name = next(n for n in next(iter(next(iter(groups.values())).values())) if n != "rows")
    lines = [
        (g, v, row[name], row["rows"]) for g, part in groups.items() for v, row in part.items()
    ]
    return dots(
        [f"{group}: {value} ({rows:,})" for group, value, _, rows in lines],
        [figure for *_, figure, _ in lines],
        name,
        report["figures"][name]["value"],
    )


def robustness(report: Report) -> Figure:
    rows = report["robustness"]
    name = next(iter(next(iter(rows.values()))))
    clean = report["figures"][name]["value"]
    return dots(list(rows), [row[name] for row in rows.values()], name, clean)


def dots(names: list[str], found: list[Report], figure_name: str, whole: float) -> Figure:
    """A dot with its interval on each line, and a rule at the figure of all rows."""
    figure, (axes,) = canvas(7.5, 1.2 + 0.3 * len(names))
    value, low, high = ([f[n] for f in found] for n in ("value", "low", "high"))
    places = range(len(names))
    axes.axvline(whole, color=ORANGE, linewidth=1.2, label=f"all rows as they are: {whole:.3f}")
    axes.hlines(places, low, high, color=BLUE, linewidth=2.5, alpha=0.4)
    axes.plot(value, places, "o", color=BLUE)
    for place, number in zip(places, value, strict=True):
        axes.annotate(f"{number:.2f}", (number, place), (0, 6), ha="center", fontsize=8,
                      textcoords="offset points", bbox=BLANK)  # fmt: skip
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set_ylim(len(names) - 0.4, -0.9)
    axes.tick_params(length=0)
    axes.set_xlabel(f"{NAMES.get(figure_name, figure_name)} and 95 % interval")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1))
    return figure


def out_of_scope(report: Report) -> Figure:
    """Recall and in-scope accuracy by threshold, and one against the other."""
    scope = report["out_of_scope"]
    curve, best = scope["curve"], scope["best_threshold"]
    figure, (left, right) = canvas(9, 3.8, columns=2)
    recall, inside = curve["recall"], curve["in_scope_accuracy"]
    left.plot(curve["threshold"], recall, color=ORANGE, label=f"recall of {scope['label']}")
    left.plot(curve["threshold"], inside, color=BLUE, label="in-scope accuracy")
    left.axvline(best, color=GREY, dashes=(4, 3))
    left.set(xlabel="threshold on the highest probability", xlim=(0, 1))
    left.legend(loc="lower left")
    right.step(recall, inside, color=BLUE)
    at = curve["threshold"].index(best)
    right.plot(recall[at], inside[at], "o", color=ORANGE, label=f"highest sum, at {best:.2f}")
    right.set(xlabel=f"recall of {scope['label']}", ylabel="in-scope accuracy")
    right.legend(loc="lower left")
    return figure


def curve(report: Report) -> Figure:
    """The precision-recall curve of pairs, the model's threshold on it."""
    figure, (axes,) = canvas(5.6, 4.2)
    c, threshold = report["curve"], report["threshold"]
    area = report["figures"]["average_precision"]["value"]
    axes.step(c["recall"], c["precision"], color=BLUE, where="pre", label=f"area {area:.3f}")
    axes.axhline(report["matches"] / report["rows"], color=GREY, dashes=(4, 3), label="chance")
    row = min(report["thresholds"], key=lambda row: abs(row["threshold"] - threshold))
    spot = (row["recall"], row["precision"])
    axes.plot(*spot, "o", color=ORANGE, label=f"threshold {threshold:g}")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.legend(loc="lower left")
    return figure


def scores(report: Report) -> Figure:
    """How matches and other pairs score, on either side of the model's threshold."""
    figure, (axes,) = canvas(7, 3.6)
    found, threshold = report["scores"], report["threshold"]
    left = np.array(found["from"])
    width = left[1] - left[0]
    axes.bar(left, found["matches"], width, align="edge", color=BLUE, ec="white", label="matches")
    down = -np.array(found["others"])
    axes.bar(left, down, width, align="edge", color=ORANGE, ec="white", label="other pairs")
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.axvline(threshold, color=INK, dashes=(4, 3), label=f"threshold {threshold:g}")
    axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):,.0f}")
    axes.set(xlabel="score", ylabel="pairs", xlim=(0, 1))
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    return figure


def ranks(report: Report) -> Figure:
    """At which rank the queries find their first right answer."""
    figure, (axes,) = canvas(7, 3.4)
    counts = list(report["ranks"].values())
    places = range(len(counts))
    axes.bar(places, counts, color=[BLUE] + [ORANGE] * (len(counts) - 1), width=0.8)
    for place, count in zip(places, counts, strict=True):
        told = f"{count:,}\n{count / report['rows']:.0%}"
        axes.annotate(told, (place, count), (0, 3), textcoords="offset points", ha="center")
    axes.set_xticks(places, list(report["ranks"]))
    axes.tick_params(length=0)
    axes.grid(False, axis="x")
    axes.set(xlabel="rank of the first right answer", ylabel="queries")
    axes.margins(y=0.2)
    return figure


def differences(report: Report) -> Figure:
    """Each figure's difference with its paired interval, against no difference."""
    rows = report["figures"]
    figure, (axes,) = canvas(7, 1.1 + 0.45 * len(rows))
    for place, row in enumerate(rows.values()):
        d = row["difference"]
        axes.hlines(place, d["low"], d["high"], color=BLUE, linewidth=3, alpha=0.4)
        axes.plot(d["value"], place, "o", color=BLUE)
        spot = (d["value"], place)
        axes.annotate(f"{d['value']:+.3f}", spot, (0, 7), textcoords="offset points", ha="center")
    axes.axvline(0, color=ORANGE, linewidth=1.2)
    axes.set_yticks(range(len(rows)), [NAMES.get(name, name) for name in rows])
    axes.set_ylim(len(rows) - 0.4, -0.8)
    axes.tick_params(length=0)
    axes.set_xlabel(f"difference: {report['b']} less {report['a']}, 95 % interval")
    return figure


PICTURES: dict[str, Callable[[Report], Figure]] = {
    "confusion": confusion,
    "calibration": calibration,
    "coverage": coverage,
    "slices": slices,
    "robustness": robustness,
    "out_of_scope": out_of_scope,
    "curve": curve,
    "scores": scores,
    "ranks": ranks,
}
COMPARISON = {"figures": differences}
