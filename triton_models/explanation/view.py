"""`explain` as a person reads it: coloured in the terminal, and one page of HTML."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path
from types import ModuleType

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from triton_models.explanation import explain, spans
from triton_models.explanation.explain import Explanation, Word
from triton_models.explanation.spans import SpanExplanation
from triton_models.kinds import KINDS
from triton_models.query_text import normal_form
from triton_models.serving.predictor import load
from triton_models.settings import UsageError

FOR, AGAINST = "dodger_blue1", "dark_orange"  # told apart by colour-blind readers too
NEGLIGIBLE = 0.05  # probability of a tag from which it is shown beside others
HALF = 12  # characters of a bar to each side
FEWEST = 3  # words that a rank correlation takes


def run(args: argparse.Namespace, model: Path, gradients: ModuleType | None) -> None:
    """The command.

    Raises:
        UsageError, ModelFolderError: what was given cannot be explained.
    """
    kind = KINDS[args.kind]
    wanted = "a query and a term" if kind.pair else "one query"
    if len(args.text) != 1 + kind.pair:
        given = f"{len(args.text)} texts given"
        raise UsageError(f"{args.kind} takes {wanted}, {given}; put each in quotes")
    if args.label and not kind.labels:
        raise UsageError("--label goes with intent and tagging")
    predictor, query, check = load(model, args.kind), normal_form(args.text[0]), {}
    if kind.by_token:
        found = spans.explain(predictor, query, args.label)
    else:
        found = [explain.explain(predictor, *args.text, label=args.label)]
    if gradients:
        found[0], answer = gradients.add(found[0], args.checkpoint)
        check = {"checkpoint_score": answer, "rank_correlation": correlation(found[0])}
    if args.html:
        args.html.write_text(page(query, found, check), encoding="utf-8")
    if args.json:
        told = [one.as_dict() for one in found]
        whole = {"query": query, "spans": told} if kind.by_token else told[0] | check
        print(json.dumps(whole, ensure_ascii=False))
    else:
        console = Console(width=None if sys.stdout.isatty() else 100)
        console.print(Padding(Group(listed(query, found), *checked(check)), (1, 2)))


def correlation(found: Explanation) -> float | None:
    """Of the words' effects with their gradients; None when the words are too few."""
    if len(found.words) < FEWEST:
        return None
    effects = [word.effect for word in found.words]
    return explain.rank_correlation(effects, [word.gradient or 0.0 for word in found.words])


def nothing(query: str) -> str:
    """What is said of a query in which no span is found."""
    return f'no span found in "{query}"; --label TAG explains the word likeliest to begin one'


def headline(found: Explanation) -> str:
    """What is explained, such as "complaint 0.99", "0.93, a match (threshold 0.78)" or "nike: brand
    0.98".
    """
    if isinstance(found, SpanExplanation):
        if found.found:
            return f"{found.text}: {found.label} {found.score:.2f}"
        return f"no {found.label} found; likeliest to begin one: {found.text} {found.score:.2f}"
    if found.label is not None:
        return f"{found.label} {found.score:.2f}"
    match = "a match" if found.score >= found.threshold else "no match"
    return f"{found.score:.2f}, {match} (threshold {found.threshold:.2f})"


def others(found: Explanation) -> str:
    """The labels next in line, if there are any; of a span's tags those that have a chance."""
    least = NEGLIGIBLE if isinstance(found, SpanExplanation) else 0.0
    scores = (item for item in found.scores.items() if item[1] >= least)
    rest = sorted(scores, key=lambda item: -item[1])
    return ", ".join(f"{name} {p:.2f}" for name, p in rest if name != found.label)[:200]


def listed(query: str, found: Sequence[Explanation]) -> RenderableType:
    """The explanations one below the other, for a terminal."""
    if not found:
        return Text(nothing(query))
    first, *more = map(shown, found)
    return Group(first, *(Padding(one, (2, 0, 0, 0)) for one in more))


def shown(found: Explanation) -> RenderableType:
    """The words with their bars, for a terminal."""
    first = Text(found.query + ("" if found.term is None else f"  ↔  {found.term}"), "bold")
    if isinstance(found, SpanExplanation):
        first.stylize("underline", found.start, found.end)
    second = Text.assemble((headline(found), "bold"), (f"   {others(found)}", "dim"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("word")
    table.add_column(Text(f"against{' ' * (2 * HALF - 9)}for"), no_wrap=True)
    for name in ("effect", "without it", *(["gradient"] if _graded(found) else [])):
        table.add_column(name, justify="right")
    largest = _largest(found)
    for part in found.totals:
        if len(found.totals) > 1:
            table.add_row(Text(part, "dim italic"))
        for word in (word for word in found.words if word.part == part):
            table.add_row(*_row(word, largest))
    return Group(first, second, Text(), table, Text(), *(Text(t) for t in totals(found)))


def _row(word: Word, largest: float) -> list[Text]:
    if not word.tokens:
        return [Text(word.text, "dim"), Text("not read: beyond the model's length", "dim")]
    length = round(HALF * abs(word.effect) / largest)
    left, right = ("", "█" * length) if word.effect > 0 else ("█" * length, "")
    bar = Text.assemble((left.rjust(HALF), AGAINST), ("│", "dim"), (right.ljust(HALF), FOR))
    style = "" if not length else (FOR if word.effect > 0 else AGAINST)
    cells = [Text(word.text, style), bar, Text(signed(word.effect), style)]
    cells.append(Text(f"{word.without:.2f}", "dim"))
    return cells + ([] if word.gradient is None else [Text(signed(word.gradient), "dim")])


def totals(found: Explanation) -> list[str]:
    """The total effect of each part's words, a line each."""
    lines = []
    for part, total in found.totals.items():
        of = "" if len(found.totals) == 1 else f" of the {part}"
        rest = found.without_words[part]
        lines.append(
            f"total effect of all words{of}: {signed(total)}"
            f" ({rest:.2f} without them, {found.score:.2f} with them)"
        )
    return lines


def checked(check: dict) -> list[Text]:
    """What the checkpoint says, if it was asked."""
    return [Text(line, "dim") for line in told(check)]


def told(check: dict) -> list[str]:
    if not check:
        return []
    agreed = check["rank_correlation"]
    shown = f"{agreed:+.2f}" if agreed is not None else f"needs {FEWEST} words"
    return [
        f"the checkpoint answers {check['checkpoint_score']:.2f}; rank correlation of effect"
        f" and integrated gradient: {shown}"
    ]


def signed(value: float) -> str:
    return f"{value:+.2f}".replace("-0.00", "0.00").replace("+0.00", "0.00")


def _graded(found: Explanation) -> bool:
    return any(word.gradient is not None for word in found.words)


def _largest(found: Explanation) -> float:
    """The effect that fills a bar; small ones are not blown up to look like much."""
    return max(0.05, *(abs(word.effect) for word in found.words))


STYLE = """
:root { color-scheme: light dark; --for: 21 101 192; --against: 200 90 0;
  --ink: #1a1f26; --dim: #5b6570; --paper: #ffffff; --line: #dfe3e8; }
@media (prefers-color-scheme: dark) { :root { --for: 96 170 255; --against: 255 150 60;
  --ink: #e8ebef; --dim: #9aa4af; --paper: #14171b; --line: #2c333b; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 46rem; margin: 2.5rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.25rem; margin: 2.5rem 0 .2rem; } p { margin: .3rem 0; }
.dim, th { color: var(--dim); font-weight: normal; font-size: .9rem; }
.text { font-size: 1.4rem; line-height: 2.1; margin: .6rem 0; }
.text small { font-size: .9rem; display: inline-block; min-width: 3.2rem; }
.text span { padding: .15em .3em; border-radius: .3em; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
td, th { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.bar { display: grid; grid-template-columns: 1fr 1fr; min-width: 9rem; }
.bar div { padding: 0 .2rem; } td .bar div { height: .9rem; padding: 0; }
td .bar div + div { border-left: 1px solid var(--dim); }
th .l { text-align: right; } .bar i { display: block; height: 100%; border-radius: 2px; }
.l i { margin-left: auto; background: rgb(var(--against)); } .r i { background: rgb(var(--for)); }
"""


def page(query: str, found: Sequence[Explanation], check: dict) -> str:
    """A page that needs nothing else: of each explanation the words coloured, and the table of
    their effects.
    """
    title = ", ".join(map(headline, found)) or "no span found"
    sections = "".join(map(_html_section, found)) or f"<p>{escape(nothing(query))}</p>"
    notes = "".join(f'<p class="dim">{escape(line)}</p>' for line in told(check))
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(query)}: {escape(title)}</title>
<style>{STYLE}</style>
{sections}{notes}
<p class="dim">Effect: the word's share (Shapley value) in what all words do together; blue speaks
for the answer, orange against it. Without it: the answer when this word alone is missing.</p>
</html>
"""


def _html_section(found: Explanation) -> str:
    largest, graded = _largest(found), _graded(found)
    texts = "".join(_html_text(found, part, largest) for part in found.totals)
    heads = ["effect", "without it", *(["gradient"] if graded else [])]
    sides = '<div class="bar"><div class="l">against</div><div class="r">for</div></div>'
    head = f"<th>word<th>{sides}" + "".join(f'<th class="n">{name}' for name in heads)
    rows = "".join(_html_row(word, largest) for word in found.words)
    lines = "".join(f"<p>{escape(line)}</p>" for line in totals(found))
    return f"""<h1>{escape(headline(found))}</h1>
<p class="dim">{escape(others(found))}</p>
{texts}
<table><tr>{head}</tr>
{rows}</table>
{lines}
"""


def _html_text(found: Explanation, part: str, largest: float) -> str:
    name = f'<small class="dim">{part}</small> ' if len(found.totals) > 1 else ""
    words = " ".join(_marked(word, largest) for word in found.words if word.part == part)
    return f'<p class="text">{name}{words}</p>'


def _marked(word: Word, largest: float) -> str:
    side = "for" if word.effect > 0 else "against"
    strength = 0.6 * abs(word.effect) / largest
    colour = f"background: rgb(var(--{side}) / {strength:.2f})"
    return f'<span style="{colour}" title="{signed(word.effect)}">{escape(word.text)}</span>'


def _html_row(word: Word, largest: float) -> str:
    width = f'<i style="width: {100 * abs(word.effect) / largest:.0f}%"></i>'
    left, right = ("", width) if word.effect > 0 else (width, "")
    cells = f'<td class="n">{signed(word.effect)}<td class="n">{word.without:.2f}'
    if word.gradient is not None:
        cells += f'<td class="n">{signed(word.gradient)}'
    bar = f'<div class="bar"><div class="l">{left}</div><div class="r">{right}</div></div>'
    return f"<tr><td>{escape(word.text)}<td>{bar}{cells}</tr>\n"
