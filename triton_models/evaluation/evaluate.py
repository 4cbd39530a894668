"""How well a model folder does: the figures of its card. Needs ONNX Runtime, not torch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from triton_models.contract import ModelContract
from triton_models.data import sources
from triton_models.data.describe import normal_form
from triton_models.data.lexicon_terms import read_terms
from triton_models.evaluation import figures, ranking
from triton_models.evaluation.dev import judged_pairs, judged_queries, labelled_queries, of_all
from triton_models.evaluation.perturb import PERTURBATIONS, perturbed
from triton_models.serving.served import ServedModel, contract_of, one_label
from triton_models.settings import DEV_SETS, UsageError, usable

DEV = {"intent": (DEV_SETS / "dev_intent.jsonl",), "matching": (DEV_SETS / "dev_matching.jsonl",)}

TYPOS = ("one typo", "two typos")  # perturbations that the short report tells of

Report = dict
Vectors = Callable[[list[str]], np.ndarray]  # texts to unit vectors, in their order


class Asked(ServedModel):
    """A model that is asked as the worker and `predict` ask it: queries in their normal form."""

    def run(self, texts: Sequence[str], terms: Sequence[str] | None = None) -> np.ndarray:
        return super().run(list(map(normal_form, texts)), terms)


def served(folder: Path, kind: str) -> tuple[ModelContract, ServedModel]:
    """A model folder's contract and its model, run in this process.

    Raises:
        ModelFolderError, UsageError: it is no model folder, of another kind, gives a query several
            labels, or cannot be run.
    """
    model = one_label(contract_of(folder, kind))
    with usable(folder, "export the model again"):
        return model, Asked(folder)


def summary(
    kind: str,
    folder: Path,
    devs: Sequence[Path] | None,
    data: Path | None = None,
    outside: str | None = None,
) -> Report:
    """The figures of any kind of model, those that a terminal shows; None is our own dev set."""
    if kind == "encoder":
        return encoder(folder, data, devs or ())
    if kind == "matching":
        return matching(folder, devs or DEV[kind])
    return intent(folder, devs or DEV[kind], outside)


def intent(
    folder: Path, devs: Sequence[Path] = DEV["intent"], outside: str | None = None
) -> Report:
    """Figures of an intent model on labelled queries, by label and style.

    Rows of the label `outside`, which the model need not know, are left out if it does not.
    """
    model, network = served(folder, "intent")
    rows = scoped(devs, model.labels, outside)
    rows = [row for row in rows if row["intent"] in model.labels]
    report = intent_report(rows, network.run([r["query"] for r in rows]), model.labels)
    errors = report.pop("errors")
    return report | {"typos": typo_drops(rows, network, model.labels)} | {"errors": errors}


def typo_drops(
    rows: Sequence[dict], network: ServedModel, labels: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Macro-F1 when every query is misspelled, and how much lower that is, by number of slips."""
    texts, wanted = [r["query"] for r in rows], [r["intent"] for r in rows]

    def judged(queries: list[str]) -> float:
        found = [labels[i] for i in network.run(queries).argmax(axis=1)]
        return figures.macro_f1(wanted, found, labels)

    clean, found = judged(texts), {}
    for name in TYPOS:
        f1 = judged(perturbed(texts, name, PERTURBATIONS[name]))
        found[name] = {"macro_f1": f1, "drop": clean - f1}
    return found


def scoped(devs: Sequence[Path], labels: Sequence[str], outside: str | None) -> list[dict]:
    """Labelled queries of a model's labels and the label `outside`, if there is one.

    Raises:
        UsageError: a row is wrong, or none has a label of the model, or none is outside.
    """
    known = tuple(labels) if outside is None else tuple(dict.fromkeys((*labels, outside)))
    rows = of_all(lambda path: labelled_queries(path, known), devs)
    given = {row["intent"] for row in rows}
    if outside and outside not in given:
        raise UsageError(f"--out-of-scope {outside}: no dev query has this label; give another")
    if not given & set(labels):
        raise UsageError("no dev query has a label that the model knows; give other --dev files")
    return rows


def intent_report(rows: Sequence[dict], probabilities: np.ndarray, labels: Sequence[str]) -> Report:
    """The same from probabilities [queries, labels]; the baseline is judged by it too."""
    wanted = [r["intent"] for r in rows]
    found = [labels[i] for i in probabilities.argmax(axis=1)]
    right = np.array([w == f for w, f in zip(wanted, found, strict=True)])
    styles = {}
    for style in dict.fromkeys(r["style"] for r in rows if r["style"]):
        mine = [i for i, r in enumerate(rows) if r["style"] == style]
        styles[style] = {
            "macro_f1": figures.macro_f1(
                [wanted[i] for i in mine], [found[i] for i in mine], labels
            ),
            "accuracy": float(right[mine].mean()),
        }
    return {
        "queries": len(rows),
        "macro_f1": figures.macro_f1(wanted, found, labels),
        "accuracy": float(right.mean()),
        "calibration_error": figures.calibration_error(
            probabilities, np.array([labels.index(w) for w in wanted])
        ),
        "labels": figures.label_table(wanted, found, labels),
        "styles": styles,
        "errors": [
            f"{r['query']} ({r['intent']}): {f} {p:.2f}"
            for r, f, p in zip(rows, found, probabilities.max(axis=1), strict=True)
            if f != r["intent"]
        ],
    }


def matching(folder: Path, devs: Sequence[Path] = DEV["matching"]) -> Report:
    """Figures of a matching model on judged pairs, at the threshold of its contract."""
    model, network = served(folder, "matching")
    rows, threshold = of_all(judged_pairs, devs), model.threshold
    scores = network.run([r["query"] for r in rows], [r["term"] for r in rows])[:, 0]
    matches = np.array([r["match"] for r in rows])
    found = scores >= threshold
    return {
        "pairs": len(rows),
        "threshold": threshold,
        "accuracy": float((found == (matches > 0)).mean()),
        "f1": figures.f_measure(found, matches),
        "average_precision": figures.average_precision(scores, matches),
        "errors": [
            f"{r['query']} / {r['term']} ({r['match']}): {score:.2f}"
            for r, score, yes in zip(rows, scores, found, strict=True)
            if yes != (r["match"] > 0)
        ],
    }


def encoder(folder: Path, data: Path | None = None, devs: Sequence[Path] = ()) -> Report:
    """Figures of an encoder: on your judged queries, or else synonyms of our lexicon, and products
    of a catalogue if given."""
    network = served(folder, "encoder")[1]
    products = {} if data is None else {"icecat": product_search(network.run, data)}
    if devs:
        rows = of_all(judged_queries, devs)
        candidates, grades = ranking.pool(rows)
        queries = network.run([row["query"] for row in rows])
        found = ranking.ranked(queries, network.run(candidates), grades)
        return {"queries": len(rows)} | ranking.means(found) | products
    return {"lexicon": synonym_search(network.run)} | products


def synonym_search(run: Vectors) -> Report:
    """For every synonym in the lexicon: at which rank among all terms stands its own?"""
    terms = read_terms()
    asked = [(s, i) for i, term in enumerate(terms) for s in term.synonyms]
    names = run([t.name for t in terms])
    queries = run([s for s, _ in asked])
    scores = queries @ names.T
    right = scores[np.arange(len(asked)), [i for _, i in asked]]
    ranks = 1 + (scores > right[:, None]).sum(axis=1)
    return {
        "synonyms": len(asked),
        "terms": len(terms),
        "recall@1": float((ranks <= 1).mean()),
        "recall@10": float((ranks <= 10).mean()),
        "mrr": float((1 / ranks).mean()),
    }


def product_search(run: Vectors, data: Path) -> Report:
    """Ranking of the whole electronics catalogue for the queries that have a right answer in it."""
    products = sources.catalogue(data)
    place = {p["id"]: i for i, p in enumerate(products)}
    judged: dict[str, dict[int, int]] = {}
    for row in sources.read_csv(data, "chorus_icecat/ratings.csv"):
        if row["docid"] in place:
            judged.setdefault(row["query"], {})[place[row["docid"]]] = int(row["rating"])
    judged = {query: grades for query, grades in judged.items() if any(grades.values())}
    scores = run(list(judged)) @ run([p["title"] for p in products]).T
    rows = []
    for order, grades in zip(np.argsort(-scores, axis=1), judged.values(), strict=True):
        every, ideal = [grades.get(i, 0) for i in order], list(grades.values())
        seen = [grades[i] for i in order if i in grades]
        good = {i for i, grade in grades.items() if grade >= 2}
        recall = len(good & set(order[:100])) / len(good) if good else np.nan
        rows.append((figures.ndcg(every, ideal), figures.ndcg(seen, ideal), recall))
    ndcg, judged_ndcg, recall = np.nanmean(rows, axis=0)
    return {
        "queries": len(judged),
        "ndcg@10": float(ndcg),
        "ndcg@10 judged only": float(judged_ndcg),
        "recall@100": float(recall),
    }


def latency(
    folder: Path, repeats: int = 60, shapes: Sequence[tuple[int, int]] = ((1, 8), (32, 8))
) -> dict[str, float]:
    """Milliseconds for one batch on one core, the median, by "batch x tokens"."""
    model = ServedModel(folder)
    found = {}
    for batch, length in shapes:
        arrays = {name: np.ones((batch, length), dtype=np.int64) for name in model.inputs}
        times = []
        for _ in range(repeats):
            started = time.perf_counter()
            model.infer(arrays)
            times.append(time.perf_counter() - started)
        found[f"{batch} x {length}"] = float(np.median(times) * 1000)
    return found


def render(report: Report, indent: str = "") -> str:
    """A report as text: a line a figure, a table for what is by label or style."""
    lines = []
    for name, value in report.items():
        if value == {}:
            continue
        if isinstance(value, dict):
            lines += [f"{indent}{name}:", render(value, indent + "  ")]
        elif isinstance(value, list):
            lines += [f"{indent}{name}: {len(value)}", *(f"{indent}  {item}" for item in value)]
        else:
            shown = f"{value:.3f}" if isinstance(value, float) else str(value)
            lines.append(f"{indent}{name}: {shown}")
    return "\n".join(lines)
