"""`query-worker explain`: why a query gets its intent, its attributes and its expansions."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click
import orjson
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from triton_models.explanation import explain as explanations
from triton_models.explanation import view
from triton_models.explanation.explain import Explanation
from triton_models.kinds.tagging.answers import decoded
from triton_models.kinds.values import DIGITS
from triton_models.query_text import normal_form
from triton_models.serving.predictor import Predictor
from triton_models.settings import UsageError
from worker.build import make_expander
from worker.commands.options import configured
from worker.config.languages import DEFAULT
from worker.config.models import ENCODER, INTENT, MATCHING, TAGGING
from worker.config.settings import Settings
from worker.errors import ConfigError
from worker.event import Tag
from worker.folders import load_all_contracts, load_lexicons, tagging_contract
from worker.lexicon.inspect import evidence, sentence
from worker.lexicon.lexicon import Candidate, Lexicon
from worker.lexicon.words import meets
from worker.understanding.computation import corrected
from worker.understanding.decide import Retrieved
from worker.understanding.held_back import held_back
from worker.understanding.language import language
from worker.understanding.tagging import tags_of

UNSERVED = (
    "which is not served: events have neither intent nor expansions. By the default models it is:"
)


@click.command(short_help="Show why a query is understood as it is.")
@click.argument("query")
@click.option("--term", help="Explain the match with this term.  [default: best candidate]")
@click.option(
    "--locale", help="The event's locale, such as de-DE, which helps to tell its language."
)
@click.option("--json", "as_json", is_flag=True, help="Print the explanation as JSON.")
@configured
def explain(
    query: str, term: str | None, locale: str | None, as_json: bool, settings: Settings
) -> None:
    """Explain a query: its intent by word, what finds its attributes, each candidate's evidence and
    score, the match by word.

    The models of the query's language run in this process; no server is used.

    \b
    Example:
      query-worker explain "red running shoes" --term sneakers
    """
    explanation = why(settings, query, term, locale)
    if as_json:
        click.echo(orjson.dumps(explanation.as_dict()))
        return
    console = Console(width=None if sys.stdout.isatty() else 100)
    console.print(Padding(shown(explanation), (1, 2)))


@dataclass(frozen=True)
class Why:
    """The explanation of a query.

    Attributes:
        language: ISO 639.
        served: whether models and a lexicon serve it; if not, the default ones explain the query.
        correction: the query put right, which all else is of; None if nothing is misspelt.
        values: attributes and exclusions: text, name, value, and what found them.
        tags: of the model that gives them: text, tag, probability.
        categories: of what is asked for: path, the term that has it, what told the build so, and
            the probability with which it is published, None if it is not.
        terms: of the lexicon that are in the query.
        candidates: of each the term as it is published, the candidate (which the matching model
            saw, unless it is but another word for whom a thing is for), source, evidence, score
            and verdict; the best first.
        held_back: other names of the query's terms that are no candidates: the term as the query
            has it, the name, and the reason.
        match: of the best candidate, if there is one.
    """

    language: str
    served: bool
    correction: str | None
    intent: Explanation
    values: list[dict[str, Any]]
    tags: list[dict[str, Any]]
    categories: list[dict[str, Any]]
    terms: list[str]
    candidates: list[dict[str, Any]]
    held_back: list[dict[str, Any]]
    match: Explanation | None

    def as_dict(self) -> dict[str, Any]:
        return {
            "language": self.language,
            "served": self.served,
            "correction": self.correction,
            "intent": self.intent.as_dict(),
            "values": self.values,
            "tags": self.tags,
            "categories": self.categories,
            "terms": self.terms,
            "candidates": self.candidates,
            "held_back": self.held_back,
            "match": self.match.as_dict() if self.match else None,
        }


def why(settings: Settings, query: str, term: str | None = None, locale: str | None = None) -> Why:
    """Explain a query with the models of its language, run in this process.

    Args:
        term: the term to explain the match with; default: the best candidate.
        locale: the event's.

    Raises:
        Stop: the query, the models or the lexicon cannot be used.
    """
    form, most = normal_form(query), settings.understanding.max_query_chars
    if not form or len(form) > most:
        raise ConfigError(f"the query has {len(form)} visible characters; give 1 to {most}")
    try:
        return _why(settings, form, term, locale)
    except UsageError as error:
        raise ConfigError(str(error)) from None


def _why(settings: Settings, form: str, term: str | None, locale: str | None) -> Why:
    contracts = load_all_contracts(settings)
    lexicons = load_lexicons(settings, contracts)
    knows = {entry: lexicon.knows for entry, lexicon in lexicons.items()}
    default = settings.understanding.default_language
    code = language(form, locale, default, knows.pop(DEFAULT), knows)
    entry = code if code in settings.languages else DEFAULT
    own = dict(contracts[entry])
    if tagging := tagging_contract(settings.of(entry), own):
        own[TAGGING] = tagging
    models = {kind: Predictor(c, c.max_batch_size) for kind, c in own.items()}
    lexicon = lexicons[entry]
    if correction := corrected(lexicon, form, code):
        form = correction.query
    expander = make_expander(settings, own, lexicon)
    tagger = models.get(TAGGING)
    tags = tags_of(decoded(tagger, form, tagger.run([form])[0])) if tagger else ()
    retrieved = expander.retrieve([form], models[ENCODER].run([form]), [tags])[0]
    texts = expander.texts(retrieved)
    scores = models[MATCHING].run([form] * len(texts), texts)[:, 0] if texts else []
    kept = {item["term"]: item for item in expander.select(retrieved, scores)["expansions"]}
    judged, known = [], evidence(settings.of(entry).lexicon.folder, len(lexicon))
    sure = expander.sure(retrieved, scores)
    for candidate, score in zip(retrieved.candidates, sure, strict=True):
        score = round(score, DIGITS)
        published = expander.term(retrieved, candidate)
        if published in kept:
            verdict = "kept"
        elif not published:
            verdict = "the query says it"
        elif score < expander.threshold:
            verdict = f"below {expander.threshold:g}"
        else:
            verdict = f"not among the best {expander.max_expansions}"
        named = {"term": published or candidate.text, "candidate": candidate.text}
        named["source"] = candidate.source
        named["evidence"] = _evidence(lexicon, candidate, retrieved, known)
        judged.append(named | {"score": score, "verdict": verdict})
    for text in kept.keys() - {item["term"] for item in judged}:
        said = {"term": text, "candidate": text, "source": kept[text]["source"]}
        said["evidence"] = "another word for whom the thing is for"
        judged.append(said | {"score": kept[text]["score"], "verdict": "kept"})
    judged.sort(key=lambda item: -item["score"])
    best = term or (judged[0]["candidate"] if judged else None)
    return Why(
        code,
        entry == code or code in settings.understanding.shared,
        correction.query if correction else None,
        explanations.explain(models[INTENT], form),
        _values(lexicon, retrieved, tags),
        [_tag(form, tag) for tag in tags],
        _categories(lexicon, retrieved, known),
        [lexicon.name(mention.term_id) for mention in retrieved.read.mentions],
        judged,
        _held_back(lexicon, retrieved),
        None if best is None else explanations.explain(models[MATCHING], form, best),
    )


def _tag(form: str, tag: Tag) -> dict[str, Any]:
    return {"text": form[tag.start : tag.end], "tag": tag.name, "probability": tag.probability}


def _categories(
    lexicon: Lexicon, retrieved: Retrieved, known: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The categories of what is asked for, and those of the nearest terms that are published."""
    published = {path: round(chance, DIGITS) for path, chance in retrieved.categories}
    found = []
    for head in retrieved.heads:
        own, term = lexicon.category(head.term_id), lexicon.name(head.term_id)
        path = lexicon.shelf(own, retrieved.read.attributes)
        by = known[head.term_id].get("category_by") if known else None
        if path or own:
            found.append((path or own, term, by, published.get(path)))
    told = {path for path, *_ in found}
    rest = ((path, chance) for path, chance in published.items() if path not in told)
    found += [(path, None, "the nearest terms", chance) for path, chance in rest]
    return [dict(zip(("path", "term", "by", "published"), row, strict=True)) for row in found]


def _values(lexicon: Lexicon, retrieved: Retrieved, tags: Sequence[Tag]) -> list[dict[str, Any]]:
    """Attributes and exclusions of a query, each with what found it."""
    read = retrieved.read
    untagged = lexicon.read(read.form)
    heads = (a for a in retrieved.attributes if a not in (*read.attributes, *read.described))
    alone = {(a.name, a.start, a.end) for a in (*untagged.attributes, *heads)}
    alone |= {("excluded", x.start, x.end) for x in untagged.exclusions}
    said = [(a.name, a.value, a.start, a.end) for a in retrieved.attributes]
    said += [("excluded", x.term, x.start, x.end) for x in read.exclusions]
    values = []
    for name, value, start, end in said:
        by = "lexicon"
        if (name, start, end) not in alone:
            own = next((t for t in tags if t.name == name and meets(t, [(start, end)])), None)
            by = f"{TAGGING}, {own.probability:.2f}" if own else TAGGING
        values.append((read.form[start:end], name, value, by))
    return [dict(zip(("text", "name", "value", "by"), row, strict=True)) for row in values]


def _evidence(
    lexicon: Lexicon, candidate: Candidate, retrieved: Retrieved, known: list[dict[str, Any]]
) -> str:
    """Why the lexicon proposes a candidate.

    Args:
        known: what each term's links rest on, empty where the lexicon's build did not keep it.
    """
    if candidate.source == "embedding":
        return "near the query, with its head and no other words"
    if candidate.source == "synonym":
        links = known[candidate.term_id]["names"] if known else {}
        told = f"another name of {lexicon.name(candidate.term_id)}"
        link = next((n for t, n in links.items() if lexicon.published(t) == candidate.text), None)
    else:
        told = f"broader term, {lexicon.category(candidate.term_id) or 'no category'}"
        narrower = [known[mention.term_id] for mention in retrieved.heads] if known else []
        above = (term["parent"] for term in narrower if "parent" in term)
        name = lexicon.name(candidate.term_id)
        link = next((parent for parent in above if parent["term"] == name), None)
    return f"{told}, {sentence(link)}" if link else told


def _held_back(lexicon: Lexicon, retrieved: Retrieved) -> list[dict[str, Any]]:
    proposed = {candidate.text for candidate in retrieved.candidates}
    found = held_back(lexicon, retrieved.read, retrieved.heads, proposed)
    return [one._asdict() for one in found]


def shown(explanation: Why) -> RenderableType:
    """The explanation for a terminal."""
    candidates: list[RenderableType] = []
    if explanation.candidates:
        candidates.append(_table(explanation.candidates))
    elif not explanation.held_back:
        reason = "no term of the lexicon is in the query or similar to it"
        if explanation.terms:
            terms = ", ".join(explanation.terms)
            reason = f"the lexicon has no other name for {terms} that the query does not say"
        candidates.append(Text(f"none: {reason}"))
    for one in explanation.held_back:
        candidates.append(Text("held back: {reason} ({name}, for {term})".format_map(one)))
    parts: list[RenderableType] = []
    if not explanation.served:
        parts.append(Text(f"Language: {explanation.language}, {UNSERVED}\n"))
    if explanation.correction:
        parts.append(Text(f"Read as: {explanation.correction}\n"))
    parts += [Text("Intent", "bold underline"), view.shown(explanation.intent)]
    if explanation.values:
        parts += [Text("\nAttributes and exclusions", "bold underline"), _rows(explanation.values)]
    if explanation.tags:
        parts += [Text("\nTags", "bold underline"), _rows(explanation.tags)]
    if explanation.categories:
        parts += [Text("\nCategories", "bold underline"), _rows(explanation.categories)]
    parts += [Text("\nCandidates from the lexicon", "bold underline"), *candidates]
    if explanation.match is not None:
        alone = Text("  by the model alone; a candidate's score joins it with its link", "dim")
        title = Text("\nMatch", "bold underline")
        parts += [title.append(alone), view.shown(explanation.match)]
    return Group(*parts)


def _columns(*names: str) -> Table:
    return Table(*names, box=None, pad_edge=False, padding=(0, 2, 0, 0))


def _rows(items: list[dict[str, Any]]) -> Table:
    table = _columns(*items[0])
    for item in items:
        table.add_row(*(Text("–" if value is None else str(value)) for value in item.values()))
    return table


def _table(candidates: list[dict[str, Any]]) -> Table:
    table = _columns("expansion", "candidate", "source", "evidence")
    table.add_column("score", justify="right")
    table.add_column("verdict")
    for item in candidates:
        style = view.FOR if item["verdict"] == "kept" else "dim"
        cells = item | {"score": f"{item['score']:.{DIGITS}f}"}
        table.add_row(*(Text(cell, style) for cell in cells.values()))
    return table
