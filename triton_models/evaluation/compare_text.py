"""A comparison as Markdown, and its verdict in sentences."""

from __future__ import annotations

from triton_models.evaluation.by_label import ALPHA
from triton_models.evaluation.cells import NAMES, Report, cell, files, ranged, table
from triton_models.kinds import KINDS


def compared(report: Report) -> list:
    """Title and sections of a comparison."""
    title = (
        f"# {report['a']} (A) and {report['b']} (B), {report['of']}\n\n"
        f"{report['rows']:,} rows of {files(report)}. Differences are B less A, with paired "
        "95 % bootstrap intervals."
    )
    told = [title, *sections(report)]
    if found := report.get("sentiment"):
        rows = f"## Sentiment\n\n{found['rows']:,} of the rows have one."
        parts = [text for _, text in sections(report | found, "###")]
        told.append(("sentiment", "\n\n".join([rows, *parts])))
    return told


def sections(report: Report, level: str = "##") -> list[tuple[str, str]]:
    """(name, text) of what is told of one set of rows."""
    better = "is right" if "mcnemar" in report else "ranks better"
    lines = [
        (NAMES.get(n, n), ranged(r["a"]), ranged(r["b"]), ranged(r["difference"], sign=True))
        for n, r in report["figures"].items()
    ]
    figures = f"{level} Figures\n\n" + table(("figure", "A", "B", "difference"), lines)
    test = (
        f"{level} Row by row\n\n{' '.join([counted(report), verdict(report), *agreement(report)])}"
    )
    wins = [
        (
            side,
            f"{level} Only {side[-1].upper()} {better}\n\n"
            + table(
                ("query", "wanted", "A", "B"),
                [(r["query"], r["wanted"], r["a"], r["b"]) for r in report[side]],
            ),
        )
        for side in ("only_a", "only_b")
        if report[side]
    ]
    labels = [("labels", f"{level} By label\n\n{by_label(report)}")] if report["labels"] else []
    return [("figures", figures), ("test", test), *labels, *wins]


LABEL_HEADS = ("label", "rows", "F1 of A", "of B", "difference", "precision", "recall", "p (Holm)")


def by_label(report: Report) -> str:
    """The labels with their differences."""
    sure = [row["label"] for row in report["labels"] if row["p_holm"] < ALPHA]
    told = f"differ in F1 beyond chance: {', '.join(map(cell, sure))}" if sure else "no label does"
    return (
        table(LABEL_HEADS, map(label_cells, report["labels"]))
        + "\n\nB less A; p of a paired randomisation test of F1, corrected by Holm's method for"
        f" {len(report['labels'])} labels. At p < {ALPHA:g} {told}."
    )


def label_cells(row: Report) -> list[str]:
    a, b = row["a"], row["b"]
    return [
        row["label"],
        f"{row['count']:,}",
        f"{a['f1']:.3f}",
        f"{b['f1']:.3f}",
        f"{row['difference']:+.3f}",
        *(f"{b[name] - a[name]:+.3f}" for name in ("precision", "recall")),
        f"{row['p_holm']:.3g}",
    ]


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


def agreement(report: Report) -> list[str]:
    """A line on how alike both answer, right or wrong: what int8 is held to against fp32."""
    if not (a := report.get("agreement")):
        return []
    what = KINDS[report["of"]].part("compare").WORDS
    return [
        f"The same {what[0]} on {a['same']:.1%} of the rows; largest difference of a {what[1]}"
        f" {a['largest_difference']:.3f}."
    ]
