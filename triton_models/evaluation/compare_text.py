"""A comparison as Markdown, and its verdict in sentences."""

from __future__ import annotations

from triton_models.evaluation.cells import NAMES, Report, files, ranged, table


def compared(report: Report) -> list:
    """Title and sections of a comparison."""
    m = report["mcnemar"]
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
    test = (
        f"## Row by row\n\nBoth right {m['both_right']:,}, only A {m['only_a']:,}, only B "
        f"{m['only_b']:,}, neither {m['both_wrong']:,}; McNemar's exact test: "
        f"**p = {m['p']:.3g}**. {verdict(report)}\n\n{agreement(report)}"
    )
    wins = [
        (
            side,
            f"## Only {side[-1].upper()} is right\n\n"
            + table(
                ("query", "wanted", "A", "B"),
                [(r["query"], r["wanted"], r["a"], r["b"]) for r in report[side]],
            ),
        )
        for side in ("only_a", "only_b")
        if report[side]
    ]
    return [title, ("figures", figures), ("mcnemar", test), *wins]


def verdict(report: Report) -> str:
    """McNemar's test in a sentence."""
    m = report["mcnemar"]
    if m["p"] >= 0.05:
        return "So many rows do not tell the two apart."
    better = "b" if m["only_b"] > m["only_a"] else "a"
    return (
        f"{report[better]} ({better.upper()}) is right more often; chance alone hardly does that."
    )


def agreement(report: Report) -> str:
    """How alike the two answer, right or wrong: what an int8 file is held to against fp32."""
    a = report["agreement"]
    what = {"intent": ("label", "probability"), "matching": ("decision", "score")}[report["of"]]
    return (
        f"The same {what[0]} on {a['same']:.1%} of the rows; largest difference of a {what[1]}"
        f" {a['largest_difference']:.3f}."
    )
