"""`query-worker explain`: why a query gets its intent, and why each candidate is an expansion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from triton_models.explanation import explain, view
from triton_models.explanation.explain import Explanation
from triton_models.serving.predictor import DIGITS, Predictor
from triton_models.settings import UsageError
from worker.build import load_contracts, load_lexicon, make_expander
from worker.config.settings import Settings
from worker.errors import ConfigError
from worker.lexicon.lexicon import Candidate, Lexicon
from worker.understanding.normalize import normal_form


@dataclass(frozen=True)
class Judged:
    """A candidate, what speaks for it, its score, and what became of it."""

    term: str
    source: str
    evidence: str
    score: float
    verdict: str


@dataclass(frozen=True)
class Why:
    """Why a query is understood as it is; `match` is of the best candidate, if there is one."""

    intent: Explanation
    candidates: list[Judged]
    match: Explanation | None

    def as_dict(self) -> dict[str, Any]:
        return {
            "intent": self.intent.as_dict(),
            "candidates": [asdict(candidate) for candidate in self.candidates],
            "match": self.match.as_dict() if self.match else None,
        }


def why(settings: Settings, query: str, term: str | None = None) -> Why:
    """Ask the models of the settings' folders in this process.

    Args:
        term: what to explain the match with, instead of the best candidate.

    Raises:
        Stop: the query, the models or the lexicon cannot be used.
    """
    form, most = normal_form(query), settings.understanding.max_query_chars
    if not form or len(form) > most:
        raise ConfigError(f"the query has {len(form)} visible characters; give 1 to {most}")
    try:
        return _why(settings, form, term)
    except UsageError as error:
        raise ConfigError(str(error)) from None


def _why(settings: Settings, form: str, term: str | None) -> Why:
    contracts = load_contracts(settings)
    models = {name: Predictor(c, c.max_batch_size) for name, c in contracts.items()}
    lexicon = load_lexicon(settings, contracts)
    expander = make_expander(settings, contracts, lexicon)
    found = expander.retrieve([form], models["encoder"].run([form]))[0]
    texts = expander.texts(found)
    scores = models["matching"].run([form] * len(texts), texts)[:, 0] if texts else []
    kept = [item["term"] for item in expander.select(found, scores)["expansions"]]
    judged = []
    for candidate, score in zip(found.candidates, scores[len(found.read.mentions) :], strict=True):
        score = round(float(score), DIGITS)
        if candidate.text in kept:
            verdict = "kept"
        elif score < expander.threshold:
            verdict = f"below {expander.threshold:g}"
        else:
            verdict = f"not among the best {expander.max_expansions}"
        told = candidate.text, candidate.source, _evidence(lexicon, candidate), score, verdict
        judged.append(Judged(*told))
    judged.sort(key=lambda item: -item.score)
    best = term or (judged[0].term if judged else None)
    return Why(
        explain.intent(models["intent"], form),
        judged,
        None if best is None else explain.matching(models["matching"], form, best),
    )


def _evidence(lexicon: Lexicon, candidate: Candidate) -> str:
    """What the lexicon says for a candidate."""
    if candidate.source == "embedding":
        return f"cosine {candidate.prior:.2f} to the query"
    if candidate.source == "parent":
        return f"broader term, {lexicon.category(candidate.term_id)}"
    return f"another name of {lexicon.name(candidate.term_id)}"


def shown(found: Why) -> RenderableType:
    """For a terminal."""
    return Group(*_parts(found))


def _parts(found: Why) -> Iterator[RenderableType]:
    yield Text("Intent", "bold underline")
    yield view.shown(found.intent)
    yield Text("\nCandidates from the lexicon", "bold underline")
    if found.candidates:
        yield _table(found.candidates)
    else:
        yield Text("none: no term of the lexicon is in the query or near it")
    if found.match is not None:
        yield Text("\nMatch", "bold underline")
        yield view.shown(found.match)


def _table(candidates: list[Judged]) -> Table:
    table = Table("candidate", "source", "evidence", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("score", justify="right")
    table.add_column("verdict")
    for item in candidates:
        style = view.FOR if item.verdict == "kept" else "dim"
        cells = item.term, item.source, item.evidence, f"{item.score:.2f}", item.verdict
        table.add_row(*(Text(cell, style) for cell in cells))
    return table
