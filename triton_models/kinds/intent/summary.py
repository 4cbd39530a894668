"""The figures of an intent model that a terminal shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from triton_models.data import named
from triton_models.data.named import Given
from triton_models.data.records import word
from triton_models.data.typos import ENGLISH, Typos
from triton_models.evaluation import figures, statistics
from triton_models.evaluation.dev import labelled_queries, of_all
from triton_models.evaluation.evaluate import Report, served
from triton_models.evaluation.perturb import of_language, perturbed
from triton_models.kinds.intent import outputs, scope
from triton_models.kinds.intent.examples import SENTIMENT, TAGGED
from triton_models.kinds.intent.outputs import Answers
from triton_models.kinds.tagging import summary as tags
from triton_models.query_text import normal_form
from triton_models.serving.served import ServedModel
from triton_models.settings import UsageError

OF_CARD = ("accuracy", "macro_f1", "calibration_error")
OF_SENTIMENT = ("queries", "accuracy", "macro_f1", "labels")  # what is told of the second head
TYPOS = ("one typo", "two typos")  # perturbations that the short report tells of


def summary(
    folder: Path,
    devs: Sequence[Given],
    data: Path | None = None,
    outside: str | None = None,
    own: Typos = ENGLISH,
) -> Report:
    """Figures of an intent model on labelled queries, by label and style, of its sentiments, and
    under the typos of its language.

    Rows of the label `outside`, which the model need not know, are left out if it does not.
    """
    model, network = served(folder, "intent")
    rows = scoped(devs, model.labels, outside)
    said = network.run([row["query"] for row in rows], heads=True)
    mine = outputs.intents(model, rows, said)
    report = figures_of(mine)
    if moods := outputs.sentiments(model, rows, said):
        report[SENTIMENT] = {name: figures_of(moods)[name] for name in OF_SENTIMENT}
    errors = report.pop("errors")
    drops = typo_drops(mine.rows, network, model.labels, own)
    return report | {"typos": drops} | {"errors": errors}


def measured(folder: Path, dev: Path, run: Report) -> Report:
    """The figures of the card, on the dev side of the run, named as its record names those of the
    checkpoint: `dev`, `scope`, `sentiment`, `tags`; and `labels`, by label.

    What is fitted is judged on other folds, since the model's own temperatures, and the threshold
    of what is out of scope, were fitted on all of them.
    """
    model, network = served(folder, "intent")
    rows = labelled_queries(dev, model.labels)
    said = network.run([row["query"] for row in rows], heads=True)
    mine, moods = outputs.intents(model, rows, said), outputs.sentiments(model, rows, said)
    found: Report = {}
    if mine.rows:
        report = figures_of(honest(mine))
        found = {"dev": {name: report[name] for name in OF_CARD}, "labels": report["labels"]}
        if outside := run.get("recipe", {}).get("out_of_scope"):
            texts, column = [row["query"] for row in mine.rows], model.labels.index(outside)
            found["scope"] = scope.judged(mine.probabilities, mine.wanted, column, texts)
    if moods:
        report = figures_of(honest(moods))
        found[SENTIMENT] = {name: report[name] for name in (*OF_CARD, "labels")}
    if model.tags and (tagged := dev.with_name(TAGGED)).is_file():
        of_tags = tags.measured(folder, tagged, run)
        found["tags"] = of_tags["dev"] | of_tags["tags"]
    return found


def honest(answers: Answers) -> Answers:
    """The same, each fold at the temperature that the others ask for."""
    groups = [normal_form(row["query"]) for row in answers.rows]
    fitted = statistics.cross_fitted(answers.probabilities, answers.wanted, groups)
    return replace(answers, probabilities=fitted)


def typo_drops(
    rows: Sequence[dict], network: ServedModel, labels: Sequence[str], own: Typos
) -> dict[str, dict[str, float]]:
    """Macro-F1 when every query is misspelled, and how much lower that is, by number of slips; {}
    for Chinese without confusion sets.
    """
    changes = of_language(own)
    texts, wanted = [r["query"] for r in rows], [r["intent"] for r in rows]

    def judged(queries: list[str]) -> float:
        found = [labels[i] for i in network.run(queries).argmax(axis=1)]
        return figures.macro_f1(wanted, found, labels)

    clean, found = judged(texts), {}
    for name in filter(changes.get, TYPOS):
        f1 = judged(perturbed(texts, name, changes[name]))
        found[name] = {"macro_f1": f1, "drop": clean - f1}
    return found


def scoped(devs: Sequence[Given], labels: Sequence[str], outside: str | None) -> list[dict]:
    """Labelled queries of a model's labels and the label `outside`, if there is one, or with a
    sentiment alone.

    Raises:
        UsageError: a row is wrong, or none has a label of the model, or none is outside.
    """
    every = (row for path in devs for row in named.every(path, "queries"))
    if outside and all(word(row.get("intent")) != outside for row in every):
        raise UsageError(f"--out-of-scope {outside}: no dev query has this label; give another")
    known = tuple(labels) if outside is None else tuple(dict.fromkeys((*labels, outside)))
    rows = of_all(lambda path: labelled_queries(path, known), devs)
    given = {row["intent"] for row in rows}
    if not given & set(labels):
        raise UsageError("no dev query has a label that the model knows; give other --dev files")
    return rows


def figures_of(answers: Answers) -> Report:
    """Figures of probabilities, of intents or of sentiments."""
    rows, labels = answers.rows, answers.labels
    wanted, found = ([labels[i] for i in column] for column in (answers.wanted, answers.found))
    styles = {}
    for style in dict.fromkeys(r["style"] for r in rows if r["style"]):
        mine = [i for i, r in enumerate(rows) if r["style"] == style]
        styles[style] = {
            "macro_f1": figures.macro_f1(
                [wanted[i] for i in mine], [found[i] for i in mine], labels
            ),
            "accuracy": float(answers.right[mine].mean()),
        }
    return {
        "queries": len(rows),
        "macro_f1": figures.macro_f1(wanted, found, labels),
        "accuracy": float(answers.right.mean()),
        "calibration_error": figures.calibration_error(answers.probabilities, answers.wanted),
        "labels": figures.label_table(wanted, found, labels),
        "styles": styles,
        "errors": [
            f"{r['query']} ({w}): {f} {p:.2f}"
            for r, w, f, p in zip(rows, wanted, found, answers.confidence, strict=True)
            if f != w
        ],
    }
