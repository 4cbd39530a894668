"""Training queries of our own: every label in every style, from the templates in data/.

In a template `{slot}` draws a value of slots.txt, which may hold slots itself, and `(a|b|)` one
of its alternatives. The same seed gives the same text.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from pathlib import Path

from triton_models.settings import DATA, LABELS, STYLES
from triton_models.sources import Labelled

SLOT = re.compile(r"\{(\w+)\}")
CHOICE = re.compile(r"\(([^()]*)\)")  # the innermost alternatives
KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")

Templates = dict[tuple[str, str], list[str]]
Slots = dict[str, list[str]]


def read_slots(path: Path = DATA / "slots.txt") -> Slots:
    """The values of each slot, by name."""
    lines = [line for line in path.read_text().splitlines() if line and line[0] != "#"]
    pairs = (line.split(":", 1) for line in lines)
    return {name: [v.strip() for v in values.split(",")] for name, values in pairs}


def read_templates(path: Path = DATA / "templates.txt") -> Templates:
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


def misspell(text: str, typos: dict[str, list[str]], rng: random.Random) -> str:
    """Misspell one to three words: a known misspelling where there is one, else a slip."""
    words = text.split()
    long = [i for i, word in enumerate(words) if len(word) > 3 and word.isalpha()]
    for i in rng.sample(long, min(len(long), rng.choice((1, 1, 2, 2, 3)))):
        known = typos.get(words[i])
        words[i] = rng.choice(known) if known and rng.random() < 0.6 else slip(words[i], rng)
    return " ".join(words)


def slip(word: str, rng: random.Random) -> str:
    """One slip of the finger: a letter lost, doubled, swapped with the next, or its neighbour."""
    i = rng.randrange(1, len(word) - 1)
    before, letter, after = word[:i], word[i], word[i + 1 :]
    near = rng.choice(neighbours(letter))
    swapped = before + after[0] + letter + after[1:]
    doubled = before + letter + letter + after
    return rng.choice((before + after, doubled, swapped, before + near + after))


def neighbours(letter: str) -> str:
    """The keys beside a letter's, the letter itself where it has none."""
    for row in KEYBOARD:
        if (i := row.find(letter)) >= 0:
            return row[max(0, i - 1) : i] + row[i + 1 : i + 2]
    return letter
