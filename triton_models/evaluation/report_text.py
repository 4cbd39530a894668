"""A report as Markdown: what it found, section by section, with its pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from triton_models.evaluation.cells import NAMES, Report, files, number, ranged, table
from triton_models.evaluation.compare_text import compared
from triton_models.kinds import KINDS

LONG = 12  # labels from which the table begins with the worst


def markdown(report: Report, pictures: Iterable[str]) -> str:
    """The page; `pictures` are the names of those that stand beside it."""
    drawn = set(pictures)
    title, *parts = compared(report) if report["kind"] == "compare" else judged(report)
    text = [title]
    for name, section in parts:
        picture = [f"![{name}]({name}.svg)"] if name in drawn else []
        text += [section, *picture]
    return "\n\n".join(text) + "\n"


def judged(report: Report) -> list:
    """Title and (name, text) of the sections of one model's report."""
    model = report["model"]
    size = f"{model['bytes'] / 1e6:.1f} MB"
    title = (
        f"# {report['kind'].capitalize()} model `{model['name']}` version {model['version']}\n\n"
        f"{report['rows']:,} rows of {files(report)}; {size}, sha256 "
        f"`{model['onnx_sha256'][:12]}`. {resampling(report)}"
    )
    return [title, *((n, write(report)) for n, write in SECTIONS.items() if n in report)]


def resampling(report: Report) -> str:
    settings = report["settings"]
    return (
        f"Intervals hold {settings['level']:.0%} of {settings['resamples']:,} bootstrap resamples "
        f"of the rows (seed {settings['seed']})."
    )


def figures(report: Report) -> str:
    lines = [(NAMES.get(n, n), ranged(v)) for n, v in report["figures"].items()]
    return table(("figure", "value and 95 % interval"), lines)


def headline(report: Report) -> str:
    text = f"## Figures\n\n{figures(report)}"
    if "threshold" in report:
        text += (
            f"\n\n{report['matches']:,} of the pairs are matches; F1 and accuracy are at the "
            f"model's threshold, {report['threshold']:g}."
        )
    if "candidates" in report:
        text += (
            f"\n\nEvery query looks for its relevant texts among {report['candidates']:,} "
            "candidates, all relevant texts of the dev set."
        )
    return text


def labels(report: Report) -> str:
    order = ", the worst first" if len(report["labels"]) > LONG else ""
    return f"## By label{order}\n\n{labels_table(report)}"


def labels_table(report: Report) -> str:
    rows = list(report["labels"].items())
    if len(rows) > LONG:
        rows.sort(key=lambda item: item[1]["f1"])
    lines = [
        (f"`{name}`", *(ranged(row[c]) for c in ("precision", "recall", "f1")), row["count"])
        for name, row in rows
    ]
    heads = ("label", "precision", "recall", "F1", "rows")
    return table(heads, lines)


def sentiment(report: Report) -> str:
    found = report["sentiment"]
    return (
        f"## Sentiment\n\n{found['rows']:,} of the rows have one.\n\n{figures(found)}\n\n"
        f"{labels_table(found)}"
    )


def confusion(report: Report) -> str:
    return "## Confusions\n\nRows are what was wanted, columns what the model said."


def calibration(report: Report) -> str:
    return "## Calibration\n\n" + calibrated(report["calibration"], "rows")


def calibrated(found: Report, counted: str) -> str:
    """The error of probabilities as they are and cross-fitted, and the bins of the first."""
    before, after, temperature = (found[name] for name in ("before", "after", "temperature"))
    return (
        f"Expected calibration error (15 bins): **{before['ece']:.3f}** as it is, "
        f"{after['ece']:.3f} with a temperature that was fitted on other rows (five folds). "
        f"All rows together ask for {temperature:.2f}: {advice(temperature)}.\n\n"
        + bins(before["bins"], counted)
    )


def advice(temperature: float) -> str:
    if 0.9 <= temperature <= 1.1:
        return "near 1, so there is little to mend"
    return "above 1, it is too sure of itself" if temperature > 1 else "below 1, it is too modest"


def probabilities(report: Report) -> str:
    if not report["probabilities"]:
        return "## Probabilities of spans\n\nThe model finds no span."
    return "## Probabilities of spans\n\n" + calibrated(report["probabilities"], "spans")


def bins(found: list[Report], counted: str) -> str:
    """Bins of probability, each with how often it is right and Wilson's interval of that."""
    lines = [
        (
            f"{b['from']:.2f} to {b['to']:.2f}",
            b["rows"],
            number(b["confidence"]),
            ranged(b | {"value": b["accuracy"]}),
        )
        for b in found
    ]
    return table(("probability", counted, "mean", "share that is right"), lines)


def coverage(report: Report) -> str:
    c = report["coverage"]
    lines = [
        (
            f"{row['wished']:.0%}",
            "none gives it" if row["threshold"] is None else f"{row['threshold']:.3f}",
            f"{row['coverage']:.1%}",
            "–" if row["precision"] is None else ranged(row["precision"]),
        )
        for row in c["targets"]
    ]
    heads = ("wished precision", "threshold", "coverage", "precision there")
    return (
        "## Coverage and risk\n\nThe share of wrong answers when only the surest are given. AURC, "
        f"its mean over all coverages: **{ranged(c['aurc'])}**; {c['risk']:.3f} is what a"
        " confidence that tells nothing has. Coverage and precision are of folds, each at the"
        " threshold that the others ask for.\n\n" + table(heads, lines)
    )


def slices(report: Report) -> str:
    blocks = ["## Slices"]
    for name, values in report["slices"].items():
        measures = [n for n in next(iter(values.values())) if n != "rows"]
        heads = (name, "rows", *(NAMES.get(n, n) for n in measures))
        lines = [(v, row["rows"], *(ranged(row[n]) for n in measures)) for v, row in values.items()]
        blocks.append(table(heads, lines))
    if report["slices"]:
        blocks.append(KINDS[report["kind"]].part("report").SLICES)
    else:
        blocks.append("The dev rows have no style, source or language, and one length.")
    return "\n\n".join(blocks)


def robustness(report: Report) -> str:
    figure = next(iter(next(iter(report["robustness"].values()))))
    lines = [
        (name, f"{row['changed']:.0%}", ranged(row[figure]), ranged(row["drop"], sign=True))
        for name, row in report["robustness"].items()
    ]
    heads = ("the queries with", "changed", NAMES[figure], "drop")
    return "## Robustness\n\n" + table(heads, lines)


def out_of_scope(report: Report) -> str:
    scope = report["out_of_scope"]
    curve, best = scope["curve"], scope["best_threshold"]
    wanted = sorted({0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, best})
    lines = []
    for i, step in enumerate(curve["threshold"]):
        if step in wanted:
            mark = " ← highest sum" if step == best else ""
            cells = [number(curve[n][i]) for n in ("recall", "precision", "in_scope_accuracy")]
            lines.append((f"{step:.2f}{mark}", *cells))
    heads = ("threshold", "recall", "precision", "in-scope accuracy")
    return (
        "## Out of scope\n\n"
        f"A query counts as `{scope['label']}` when the model says so or its highest probability "
        f"is below the threshold: {scope['rows']:,} rows are, {scope['in_scope_rows']:,} are in "
        "scope.\n\n" + table(heads, lines)
    )


def thresholds(report: Report) -> str:
    lines = [
        tuple(number(row[n]) for n in ("threshold", "precision", "recall", "f1"))
        for row in report["thresholds"]
    ]
    return "## Thresholds\n\n" + table(("threshold", "precision", "recall", "F1"), lines)


def curve(report: Report) -> str:
    return "## Precision and recall"


def scores(report: Report) -> str:
    return "## Scores\n\nHow many pairs score how high: matches upwards, other pairs downwards."


def ranks(report: Report) -> str:
    lines = [(r, n, f"{n / report['rows']:.1%}") for r, n in report["ranks"].items()]
    heads = ("first right answer at rank", "queries", "share")
    return "## Ranks\n\n" + table(heads, lines)


def errors(report: Report) -> str:
    shown = KINDS[report["kind"]].part("report").errors_table
    return "## Typical errors\n\n" + (shown(report["errors"]) if report["errors"] else "None.")


def latency(report: Report) -> str:
    cells = [name.split(" x ") for name in report["latency_ms"]]
    batches, tokens = (list(dict.fromkeys(column)) for column in zip(*cells, strict=True))
    lines = [
        (batch, *(f"{report['latency_ms'][f'{batch} x {t}']:.2f}" for t in tokens))
        for batch in batches
    ]
    heads = ("batch", *(f"{t} tokens" for t in tokens))
    return (
        "## Latency\n\nMedian milliseconds a batch, ONNX Runtime on one core of the machine that "
        "wrote this.\n\n" + table(heads, lines)
    )


SECTIONS: dict[str, Callable[[Report], str]] = {
    "figures": headline,
    "labels": labels,
    "confusion": confusion,
    "calibration": calibration,
    "sentiment": sentiment,
    "probabilities": probabilities,
    "coverage": coverage,
    "slices": slices,
    "robustness": robustness,
    "out_of_scope": out_of_scope,
    "thresholds": thresholds,
    "curve": curve,
    "scores": scores,
    "ranks": ranks,
    "errors": errors,
    "latency_ms": latency,
}
