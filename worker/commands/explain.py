"""`query-worker explain`: why a query gets its intent, and why each candidate is an expansion."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from triton_models.explanation import explain, view
from triton_models.explanation.explain import Explanation
from triton_models.kinds.values import DIGITS
from triton_models.serving.predictor import Predictor
from triton_models.settings import UsageError
from worker.build import load_contracts, load_lexicon, make_expander
from worker.config.settings import Settings
from worker.errors import ConfigError
from worker.lexicon.lexicon import Candidate, Lexicon
from worker.understanding.normalize import normal_form


@dataclass(frozen=True)
class Judged:
    """A candidate with its evidence, its score and the decision."""

    term: str
    source: str
    evidence: str
    score: float
    verdict: str


@dataclass(frozen=True)
class Why:
    """The explanation of a query; `match` is that of the best candidate, if there is one."""

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
    """Explain a query with the models of `inference.models`, run in this process.

    Args:
        term: the term to explain the match with; default: the best candidate.

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
    retrieved = expander.retrieve([form], models["encoder"].run([form]))[0]
    texts = expander.texts(retrieved)
    scores = models["matching"].run([form] * len(texts), texts)[:, 0] if texts else []
    kept = [item["term"] for item in expander.select(retrieved, scores)["expansions"]]
    judged = []
    candidate_scores = scores[len(retrieved.read.mentions) :]
    for candidate, score in zip(retrieved.candidates, candidate_scores, strict=True):
        score = round(float(score), DIGITS)
        if candidate.text in kept:
            verdict = "kept"
        elif score < expander.threshold:
            verdict = f"below {expander.threshold:g}"
        else:
            verdict = f"not among the best {expander.max_expansions}"
        evidence = _evidence(lexicon, candidate)
        judged.append(Judged(candidate.text, candidate.source, evidence, score, verdict))
    judged.sort(key=lambda item: -item.score)
    best = term or (judged[0].term if judged else None)
    return Why(
        explain.explain(models["intent"], form),
        judged,
        None if best is None else explain.explain(models["matching"], form, best),
    )


def _evidence(lexicon: Lexicon, candidate: Candidate) -> str:
    """Why the lexicon proposes a candidate."""
    if candidate.source == "embedding":
        return f"cosine {candidate.prior:.2f} to the query"
    if candidate.source == "parent":
        return f"broader term, {lexicon.category(candidate.term_id)}"
    return f"another name of {lexicon.name(candidate.term_id)}"


def shown(explanation: Why) -> RenderableType:
    """The explanation for a terminal."""
    if explanation.candidates:
        candidates = _table(explanation.candidates)
    else:
        candidates = Text("none: no term of the lexicon is in the query or similar to it")
    parts = [Text("Intent", "bold underline"), view.shown(explanation.intent)]
    parts += [Text("\nCandidates from the lexicon", "bold underline"), candidates]
    if explanation.match is not None:
        parts += [Text("\nMatch", "bold underline"), view.shown(explanation.match)]
    return Group(*parts)


def _table(candidates: list[Judged]) -> Table:
    table = Table("candidate", "source", "evidence", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("score", justify="right")
    table.add_column("verdict")
    for item in candidates:
        style = view.FOR if item.verdict == "kept" else "dim"
        cells = item.term, item.source, item.evidence, f"{item.score:.2f}", item.verdict
        table.add_row(*(Text(cell, style) for cell in cells))
    return table
