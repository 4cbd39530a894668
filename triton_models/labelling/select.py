"""`select`: the texts of a file that are worth labelling next, by one model.

Of the texts that the model is least sure of, as many clusters are made as texts are wanted, on an
encoder's vectors and weighed by doubt (Zhdanov 2019); of each the most doubtful is taken. Texts
that are labelled already, or nearly, are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.cluster import MiniBatchKMeans

from triton_models.data import command, named, near, reading, sheet
from triton_models.data.sheet import Line
from triton_models.evaluation.evaluate import served
from triton_models.kinds import KINDS
from triton_models.labelling.options import ENCODER
from triton_models.query_text import normal_form
from triton_models.serving.predict import questions
from triton_models.settings import UsageError

DOUBTED = 10  # times the wanted texts, the most doubtful, from which they are taken


def chosen(
    kind: str,
    file: Path,
    model: Path,
    encoder: Path,
    labelled: Sequence[str],
    count: int,
    by: str = "margin",
) -> list[Line]:
    """At most `count` texts or pairs to label, the most doubtful first.

    Args:
        file: read as `predict` reads it.
        labelled: texts that are not to come again.
        by: "margin" or "entropy".

    Raises UsageError where nothing is left to choose from.
    """
    contract, network = served(model, kind)
    part = KINDS[kind].part("labels")
    rows = fresh(unlabelled(file, contract.spec.pair), labelled)
    if not rows:
        raise UsageError(f"{file}: every text is labelled already, or nearly the same as one")
    said = part.answers(network, rows)
    doubt = part.doubt(said, contract, by)
    most = np.argsort(-doubt, kind="stable")[: count * DOUBTED]
    doubted = [rows[i] for i in most]
    picked = picks(vectors(doubted, encoder), doubt[most], [form(r) for r in doubted], count)
    told = part.suggestions(said, contract, rows)
    return [
        Line(rows[i].text, rows[i].term, "", told[i][0], told[i][1], file.stem)
        for i in most[picked]
    ]


def unlabelled(file: Path, pair: bool) -> list[Line]:
    """The texts or pairs of a file, each normal form once."""
    found = {}
    for one in questions(file, pair):
        if one.term or not pair:
            row = Line(" ".join(one.query.split()), one.term or "")
            found.setdefault(form(row), row)
    if not found:
        raise UsageError(f"{file}: no pair in it; give query<TAB>term, or JSON with both")
    return list(found.values())


def form(row: Line) -> str:
    """A text, or a pair's two, in normal form."""
    return " / ".join(map(normal_form, filter(None, (row.text, row.term))))


def fresh(rows: Sequence[Line], labelled: Sequence[str]) -> list[Line]:
    """The rows that are not among the labelled texts and not nearly one of them."""
    forms = [form(row) for row in rows]
    nearest, _ = near.nearest(forms, list(dict.fromkeys(labelled)))
    known = set(labelled)
    kept = zip(rows, forms, nearest, strict=True)
    return [row for row, mine, other in kept if other < 0 and mine not in known]


def known_texts(kind: str, files: Sequence[Path], columns: Sequence[str] = ()) -> list[str]:
    """What is labelled already, in normal form: of files, or of a manifest's sources.

    Raises UsageError for a file with a row without a text.
    """
    part, found = KINDS[kind].part("labels"), []
    for file, place in zip(files, named.places(files, columns), strict=True):
        if file.suffix == ".toml":
            data = reading.read(command.manifest_of(file, columns))
            rows = {"pairs": data.pairs, "tagged": data.tagged, "queries": data.queries}[part.FORM]
            found += [form(Line(row.query, getattr(row, "term", ""))) for row in rows]
        else:
            rows = named.every(place, part.FORM)
            own = [form(Line(part.text_of(row), str(row.get("term") or ""))) for row in rows]
            if not all(own):
                raise UsageError(f"{file}: a row without a text; fix it, or give --columns")
            found += own
    return found


def vectors(rows: Sequence[Line], encoder: Path) -> np.ndarray:
    """An encoder's vectors, [rows, width]; of pairs that of the term stands behind the query's."""
    _, network = served(encoder, ENCODER)
    found = network.run([row.text for row in rows])
    if not rows[0].term:
        return found
    return np.concatenate([found, network.run([r.term for r in rows], documents=True)], axis=1)


def picks(found: np.ndarray, doubt: np.ndarray, forms: Sequence[str], count: int) -> np.ndarray:
    """The rows to take, the most doubtful first: one of each cluster, none nearly another."""
    if len(found) <= count:
        cluster = np.arange(len(found))
    else:
        means = MiniBatchKMeans(count, random_state=0, n_init=3)
        cluster = means.fit_predict(found, sample_weight=np.maximum(doubt, 1e-6))
    order = np.argsort(-doubt, kind="stable").tolist()
    taken: list[int] = []
    for once in (True, False):  # a cluster that is empty, or all near-duplicates, leaves room
        for i in order:
            used = once and cluster[i] in {cluster[j] for j in taken}
            if len(taken) == count or i in taken or used:
                continue
            if near.nearest([forms[i]], [forms[j] for j in taken])[0][0] < 0:
                taken.append(i)
    return np.array(sorted(taken, key=order.index), dtype=int)


def run(args: Any) -> str:
    """The command; returns the line to print."""
    sheet.check_new(args.out)
    known = known_texts(args.kind, args.labelled, args.columns)
    given = args.file, args.model, args.encoder, known, args.count, args.by
    written = sheet.write(args.out, chosen(args.kind, *given), args.propose)
    return f"{args.out}: {written} texts to label"
