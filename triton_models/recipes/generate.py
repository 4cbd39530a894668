"""Training queries of our own: every label in every style, from the templates in text/.

In a template `{slot}` draws a value of slots.txt, which may hold slots itself, and `(a|b|)` one
of its alternatives. The same seed gives the same text.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from pathlib import Path

from triton_models.data.split import Labelled
from triton_models.data.typos import misspell
from triton_models.recipes.written import TEXT
from triton_models.settings import LABELS, STYLES

SLOT = re.compile(r"\{(\w+)\}")
CHOICE = re.compile(r"\(([^()]*)\)")  # the innermost alternatives

Templates = dict[tuple[str, str], list[str]]
Slots = dict[str, list[str]]


def read_slots(path: Path = TEXT / "slots.txt") -> Slots:
    """The values of each slot, by name."""
    lines = [line for line in path.read_text().splitlines() if line and line[0] != "#"]
    pairs = (line.split(":", 1) for line in lines)
    return {name: [v.strip() for v in values.split(",")] for name, values in pairs}


def read_templates(path: Path = TEXT / "templates.txt") -> Templates:
    """The templates of each (label, style); raises ValueError for an unknown section."""
    sections: Templates = {}
    section: list[str] = []
    for line in path.read_text().splitlines():
        heading = line[2:].split()
        if line.startswith("# ") and len(heading) == 2:
            if heading[0] not in LABELS or heading[1] not in STYLES:
                raise ValueError(f"{path.name}: unknown section {line!r}")
            section = sections.setdefault((heading[0], heading[1]), [])
        elif line and line[0] != "#":
            section.append(line)
    return sections


def expand(template: str, slots: Slots, rng: random.Random) -> str:
    """One query of a template."""
    text = template
    while found := CHOICE.search(text) or SLOT.search(text):
        name = found.group(1)
        options = name.split("|") if found.re is CHOICE else slots[name]
        text = text[: found.start()] + rng.choice(options) + text[found.end() :]
    return " ".join(text.split()).replace(" ,", ",").strip(" ,")


def generate(per_style: int, seed: int, typos: dict[str, list[str]]) -> list[Labelled]:
    """`per_style` queries for each label and style, the style "typo" made from the others."""
    rng = random.Random(seed)
    slots, templates = read_slots(), read_templates()
    made: list[Labelled] = []
    for (label, style), lines in templates.items():
        texts = list(distinct(expand(rng.choice(lines), slots, rng) for _ in range(3 * per_style)))
        texts = [roughen(t, rng) for t in texts[:per_style]]
        made += [Labelled(text, label, f"generated {style}") for text in texts]
    for label in LABELS:
        clean = [q.query for q in made if q.intent == label]
        texts = (misspell(rng.choice(clean), typos, rng) for _ in range(per_style))
        made += [Labelled(text, label, "generated typo") for text in distinct(texts)]
    return made


def distinct(texts: Iterable[str]) -> Iterable[str]:
    """The texts without repetition, in their order."""
    return dict.fromkeys(texts)


def roughen(text: str, rng: random.Random) -> str:
    """The small liberties of people who type: no apostrophe, a question mark, a please."""
    if rng.random() < 0.5:
        text = text.replace("'", "")
    if rng.random() < 0.15:
        text += rng.choice(("?", "??", "!", ".", " please", " pls", " thanks"))
    if rng.random() < 0.05:
        text = rng.choice(("hi ", "hello, ", "so ", "ok ", "please ")) + text
    return text
