"""Spans of queries as a sheet has them, and which of them a model doubts. NumPy, no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from triton_models.contract import ModelContract
from triton_models.data.columns import COLUMNS
from triton_models.data.named import Given
from triton_models.data.sheet import Decision, Line
from triton_models.evaluation import confident, doubts
from triton_models.kinds.tagging import marked
from triton_models.kinds.tagging.answers import decoder_of, word_chances
from triton_models.kinds.tagging.data import example, read_all
from triton_models.kinds.tagging.decode import TINY
from triton_models.kinds.tagging.words import tagged, words_of
from triton_models.query_text import normal_form

FORM = "tagged"
LABEL = ""  # no column alone


def rows_of(devs: Sequence[Given], contract: ModelContract) -> list[Line]:
    """The tagged queries of files."""
    return [
        Line(one.text, given=marked.mark(one.text, one.spans), source=one.about.get("source", ""))
        for one in read_all(devs)
    ]


def answers(network: Any, rows: Sequence[Line]) -> list[np.ndarray]:
    """Log-probabilities of the labels of each query's words, [words, labels]."""
    forms = [normal_form(r.text) for r in rows]
    each = zip(forms, network.run(forms), strict=True)
    return [np.log(np.maximum(word_chances(network, f, a), TINY)) for f, a in each]


def suspects(
    rows: Sequence[Line], said: Sequence[np.ndarray], labels: Sequence[str]
) -> Iterator[tuple[int, str, float]]:
    """(row, its spans as they should be, the probability of these), likeliest errors first."""
    place = {label: i for i, label in enumerate(labels)}
    given, asked = [], []
    for i, row in enumerate(rows):
        text, spans = marked.read(row.given)
        names = tagged(words_of(text), spans)
        if names and set(names) <= set(place):
            given.append([place[name] for name in names])
            asked.append(i)
    order = confident.flagged_words(given, [np.exp(said[i]) for i in asked])
    for i in (asked[i] for i in order):
        text, spans = marked.read(rows[i].given)
        [found] = decoder_of(tuple(labels)).find(np.exp(said[i])[None], [words_of(text)])
        if set(found.spans) != set(spans):
            yield i, marked.mark(text, found.spans), found.whole


def suggestions(
    said: Sequence[np.ndarray], contract: ModelContract, rows: Sequence[Line]
) -> list[tuple[str, float]]:
    """The likeliest spans of each query, and the probability that all of them are right."""
    decoder, found = decoder_of(contract.labels), []
    for row, logs in zip(rows, said, strict=True):
        form = normal_form(row.text)
        [mine] = decoder.find(np.exp(logs)[None], [words_of(form)])
        found.append((marked.mark(form, mine.spans), mine.whole))
    return found


def doubt(said: Sequence[np.ndarray], contract: ModelContract, by: str) -> np.ndarray:
    """How unsure the model is of the word of each query that it is least sure of, [rows]."""
    return np.array([doubts.BY[by](np.exp(x)).max() if len(x) else 0.0 for x in said])


def text_of(row: dict[str, Any]) -> str:
    try:
        return example(row).text
    except ValueError:
        return str(row.get("query") or "")


def current(row: dict[str, Any]) -> str:
    """A row's text with its spans; "" for a row that has none."""
    try:
        one = example(row)
    except ValueError:
        return ""
    return marked.mark(one.text, one.spans)


def names(row: dict[str, Any], label: str) -> set[str]:
    """The tags of a row."""
    return {span.tag for span in marked.read(current(row))[1]}


def same(one: str, other: str) -> bool:
    try:
        return marked.read(one) == marked.read(other)
    except ValueError:
        return False


def fault(one: Decision, known: set[str]) -> str:
    """What is wrong with a label, "" if nothing is."""
    try:
        text, spans = marked.read(one.label)
    except ValueError as error:
        return f"label: {error}"
    if one.text and text != normal_form(one.text):
        return f"label: its text is {text!r}, not that of the row; change the spans alone"
    if strange := sorted({span.tag for span in spans} - known):
        return (
            f"label: tag {strange[0]!r} is not in the data: correct it, or give --new {strange[0]}"
        )
    return ""


def relabelled(
    row: dict[str, Any], label: str, names: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The row with other spans, of its text in normal form."""
    old = {name for names in COLUMNS[FORM].values() for name in names}
    text, spans = marked.read(label)
    rest = {name: value for name, value in row.items() if name not in old}
    return {"query": text, "spans": [span._asdict() for span in spans]} | rest


def new(one: Decision, names: Mapping[str, str]) -> dict[str, Any]:
    """A row of data that was in no file."""
    return relabelled({}, one.label)
