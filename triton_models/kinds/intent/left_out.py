"""Leave one source out: does what is learned from the others hold on it?

Where the source nearly tells the label, a model does well on the dev side of its own sources and
fails on others: the gap of the two figures shows it.
"""

from __future__ import annotations

from pathlib import Path

from triton_models.evaluation.report_text import table
from triton_models.kinds.intent import classify, examples
from triton_models.kinds.intent import training as intent
from triton_models.kinds.intent.training import Material, Recipe
from triton_models.training.course import refuse

PAGE = "left_out.md"
NAMES = ("macro_f1", "accuracy")
HEADS = (
    "left out",
    "queries",
    "of unknown labels",
    "macro-F1 on it",
    "macro-F1 on dev of the others",
    "gap",
    "accuracy on it",
    "accuracy on dev",
)


def train(material: Material, start: Path, recipe: Recipe) -> list[dict]:
    """For every source that is learned from: train on the others, judge on all of it.

    Queries of it that the others have too are not learned from; its labels that the others do
    not have are counted and not judged.
    """
    sources = list(dict.fromkeys(e.source for e in material.learned))
    refuse(
        (len(sources) < 2, "--leave-one-source-out: one source only; give two files or sources"),
        (not material.dev, "--leave-one-source-out: no query of dev in the sources"),
    )
    frozen = recipe.adaptation.how == "frozen" and recipe.pooling == "mean"
    known = {} if frozen and not recipe.schedule.adversarial else None
    return [row_of(source, material, start, recipe, known) for source in sources]


def row_of(
    source: str, material: Material, start: Path, recipe: Recipe, known: dict | None
) -> dict:
    """One line of the table; without figures where the others leave nothing to learn or judge."""
    outside = [e for e in material.learned + material.dev if e.source == source]
    learned = examples.without(material.learned, outside)  # nor what the others have too
    labels = examples.label_names(learned)
    judgeable = [e for e in outside if e.labels and set(e.labels) <= set(labels)]
    others = [e for e in material.dev if e.source != source and e.labels]
    dev = [e for e in others if set(e.labels) <= set(labels)]
    row = {"source": source, "queries": len(outside), "unknown": len(outside) - len(judgeable)}
    if len(labels) < 2 or not judgeable or not dev:
        return row | {"note": "the others have too few labels, or none of its own"}
    print(f"without {source}: {len(learned)} queries to learn from", flush=True)
    trained = intent.fit(Material(learned, dev, labels), start, recipe, known=known)
    for name, judged in (("on_it", judgeable), ("on_dev", dev)):
        wanted = classify.targets(judged, labels)
        found = classify.measure(trained.logits(judged), wanted)
        row[name] = {n: found[n] for n in NAMES}
    return row | {"gap": row["on_it"]["macro_f1"] - row["on_dev"]["macro_f1"]}


def write(rows: list[dict], folder: Path) -> str:
    """Write the table as Markdown beside the notes; returns what to print."""
    page = table(HEADS, map(cells, rows))
    (folder / PAGE).write_text(f"# Each source left out in turn\n\n{page}\n", encoding="utf-8")
    return f"{page}\n{folder / PAGE}"


def cells(row: dict) -> list[str]:
    told = [row["source"], f"{row['queries']:,}", f"{row['unknown']:,}"]
    if "note" in row:
        return [*told, row["note"], *[""] * (len(HEADS) - len(told) - 1)]
    figures = [row["on_it"]["macro_f1"], row["on_dev"]["macro_f1"]]
    accuracy = [row["on_it"]["accuracy"], row["on_dev"]["accuracy"]]
    return [
        *told,
        *(f"{value:.3f}" for value in figures),
        f"{row['gap']:+.3f}",
        *(f"{value:.3f}" for value in accuracy),
    ]
