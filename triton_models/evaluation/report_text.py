"""A report as Markdown: what it found, section by section, with its pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

Report = dict

NAMES = {
    "macro_f1": "macro-F1",
    "accuracy": "accuracy",
    "auc_roc": "AUC-ROC",
    "average_precision": "average precision",
    "f1": "F1",
    "ece": "calibration error",
    "ndcg@10": "NDCG@10",
    "mrr": "MRR",
}
FILES = 6  # of the dev set that are named
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


def files(report: Report) -> str:
    named = [f"`{dev['file']}`" for dev in report["dev"]]
    more = f" and {len(named) - FILES} more" if len(named) > FILES else ""
    return ", ".join(named[:FILES]) + more


def resampling(report: Report) -> str:
    settings = report["settings"]
    return (
        f"Intervals hold {settings['level']:.0%} of {settings['resamples']:,} bootstrap resamples "
        f"of the rows (seed {settings['seed']})."
    )


def headline(report: Report) -> str:
    lines = [(NAMES.get(n, n), ranged(v)) for n, v in report["figures"].items()]
    text = "## Figures\n\n" + table(("figure", "value and 95 % interval"), lines)
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
    rows = list(report["labels"].items())
    order = ""
    if len(rows) > LONG:
        rows.sort(key=lambda item: item[1]["f1"])
        order = ", the worst first"
    lines = [
        (f"`{name}`", *(number(row[c]) for c in ("precision", "recall", "f1")), row["count"])
        for name, row in rows
    ]
    heads = ("label", "precision", "recall", "F1", "rows")
    return f"## By label{order}\n\n" + table(heads, lines)


def confusion(report: Report) -> str:
    return "## Confusions\n\nRows are what was wanted, columns what the model said."


def calibration(report: Report) -> str:
    c = report["calibration"]
    return (
        "## Calibration\n\n"
        f"Expected calibration error (15 bins): **{c['before']['ece']:.3f}** as it is, "
        f"{c['after']['ece']:.3f} with a temperature that was fitted on other rows (five folds). "
        f"All rows together ask for {c['temperature']:.2f}: {advice(c['temperature'])}."
    )


def advice(temperature: float) -> str:
    if 0.9 <= temperature <= 1.1:
        return "near 1, so there is little to mend"
    return "above 1, it is too sure of itself" if temperature > 1 else "below 1, it is too modest"


def slices(report: Report) -> str:
    blocks = ["## Slices"]
    for name, values in report["slices"].items():
        measures = [n for n in next(iter(values.values())) if n != "rows"]
        heads = (name, "rows", *(NAMES.get(n, n) for n in measures))
        lines = [(v, row["rows"], *(ranged(row[n]) for n in measures)) for v, row in values.items()]
        blocks.append(table(heads, lines))
    if report["slices"]:
        blocks.append(
            "Intervals of accuracy are Wilson's; macro-F1 is of the labels in the slice."
            if report["kind"] == "intent"
            else "An interval of no width tells of few rows, not of certainty."
        )
    else:
        blocks.append("The dev rows have no style, source or language, and one length.")
    return "\n\n".join(blocks)


def robustness(report: Report) -> str:
    lines = [
        (name, f"{row['changed']:.0%}", ranged(row["macro_f1"]), ranged(row["drop"], sign=True))
        for name, row in report["robustness"].items()
    ]
    heads = ("the queries with", "changed", "macro-F1", "drop")
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


def errors(report: Report) -> str:
    write = {"intent": confused, "matching": misjudged, "encoder": misplaced}[report["kind"]]
    return "## Typical errors\n\n" + (write(report["errors"]) if report["errors"] else "None.")


def confused(rows: Sequence[Report]) -> str:
    lines = []
    for row in rows:
        shown = "; ".join(f"{e['query']} ({e['confidence']:.2f})" for e in row["examples"])
        lines.append((row["wanted"], row["found"], row["count"], shown))
    return table(("wanted", "found", "rows", "the surest of them"), lines)


def misjudged(rows: Sequence[Report]) -> str:
    lines = [
        (r["query"], r["term"], "yes" if r["match"] else "no", number(r["score"])) for r in rows
    ]
    return table(("query", "term", "match", "score"), lines)


def misplaced(rows: Sequence[Report]) -> str:
    lines = [(r["query"], r["wanted"], r["rank"], r["first"]) for r in rows]
    return table(("query", "wanted", "its rank", "came first"), lines)


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


def compared(report: Report) -> list:
    """Title and sections of a comparison."""
    better = "ranks better" if report["of"] == "encoder" else "is right"
    title = (
        f"# {report['a']} (A) and {report['b']} (B), {report['of']}\n\n"
        f"{report['rows']:,} rows of {files(report)}. Differences are B less A, with paired "
        "95 % bootstrap intervals."
    )
    lines = [
        (NAMES.get(n, n), ranged(r["a"]), ranged(r["b"]), ranged(r["difference"], sign=True))
        for n, r in report["figures"].items()
    ]
    figures = "## Figures\n\n" + table(("figure", "A", "B", "difference"), lines)
    test = f"## Row by row\n\n{counted(report)} {verdict(report)}"
    wins = [
        (
            side,
            f"## Only {side[-1].upper()} {better}\n\n"
            + table(
                ("query", "wanted", "A", "B"),
                [(r["query"], r["wanted"], r["a"], r["b"]) for r in report[side]],
            ),
        )
        for side in ("only_a", "only_b")
        if report[side]
    ]
    return [title, ("figures", figures), ("test", test), *wins]


def counted(report: Report) -> str:
    """The rows by which side has them, and the test's p."""
    if found := report.get("randomisation"):
        counts = (
            f"A ranks better {found['only_a']:,}, B {found['only_b']:,}, equal {found['equal']:,}"
        )
        return f"{counts}; randomisation test on NDCG@10, p = {found['p']:.3g}."
    m = report["mcnemar"]
    return (
        f"Both right {m['both_right']:,}, only A {m['only_a']:,}, only B {m['only_b']:,}, "
        f"neither {m['both_wrong']:,}; McNemar's exact p = {m['p']:.3g}."
    )


def verdict(report: Report) -> str:
    """The paired test in a sentence."""
    if found := report.get("randomisation"):
        p, of_b, does = found["p"], found["difference"] > 0, "ranks better"
    else:
        m = report["mcnemar"]
        p, of_b, does = m["p"], m["only_b"] > m["only_a"], "is right more often"
    if p >= 0.05:
        return "So many rows do not tell the two apart."
    side = "b" if of_b else "a"
    return f"{report[side]} ({side.upper()}) {does}; chance alone hardly does that."


SECTIONS: dict[str, Callable[[Report], str]] = {
    "figures": headline,
    "labels": labels,
    "confusion": confusion,
    "calibration": calibration,
    "slices": slices,
    "robustness": robustness,
    "out_of_scope": out_of_scope,
    "thresholds": thresholds,
    "curve": curve,
    "errors": errors,
    "latency_ms": latency,
}


def number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def ranged(found: Report | float, sign: bool = False) -> str:
    """A figure with its interval, as 0.912 (0.880 to 0.941)."""
    if not isinstance(found, dict):
        return number(found)
    if math.isnan(found["value"]):
        return "–"
    form = "+.3f" if sign else ".3f"
    return f"{found['value']:{form}} ({found['low']:{form}} to {found['high']:{form}})"


def table(heads: Sequence, rows: Iterable[Sequence]) -> str:
    """A Markdown table; what is in a cell cannot end it."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(cell, line)) + " |" for line in lines)


def cell(value: object) -> str:
    return " ".join(str(value).replace("\\", "\\\\").replace("|", "\\|").split())
