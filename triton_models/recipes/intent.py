"""The intent classifier: public queries and our own, in every style, typos among them.

Probabilities are calibrated by temperature scaling on held-out queries, and the temperature is
folded into the last layer, so that what is served needs no extra step.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch

from triton_models.data import sources
from triton_models.data.split import Labelled, is_dev
from triton_models.recipes import generate, written
from triton_models.settings import DEV_SETS, LABELS
from triton_models.training import classify, networks
from triton_models.training.classify import Lesson, Loss
from triton_models.training.examples import Example
from triton_models.training.loop import Schedule, fit
from triton_models.training.vocabulary import bare_tokenizer

SCHEDULE = Schedule(epochs=4, batch_size=64, rate=3e-4)
PER_STYLE = 200  # generated queries for each label and style
MOST = 700  # queries of one public set and label, so that no source is a label
REPEAT = 2  # how often an epoch sees each of our written queries
# Each query is read as it is and, mostly, with typos; both readings should say the same.
LESSON = Lesson(smoothing=0.05, misspelled=0.8, consistency=1.0)


def train(data: Path, out: Path, start: Path, schedule: Schedule = SCHEDULE) -> dict:
    """Train from the encoder's checkpoint `start`; returns the settings and figures."""
    typos = sources.misspellings(data)
    learned, held_out = gather(data, typos)
    tokenizer = bare_tokenizer(start)
    torch.manual_seed(schedule.seed)
    network = networks.load(start, "intent")
    loss = Loss(network, tokenizer, examples_of(learned), LABELS, LESSON, known=typos)
    losses = fit(network, [len(q.query) for q in learned], loss, schedule)
    said = classify.logits(network, tokenizer, [q.query for q in held_out])
    temperature = classify.calibrate(network, said, classify.targets(examples_of(held_out), LABELS))
    networks.save(network, out)
    tokenizer.save(str(out / "tokenizer.json"))
    counts = Counter(f"{q.source.split()[0]} {q.intent}" for q in learned)
    return {
        "examples": len(learned),
        "held_out": len(held_out),
        "temperature": temperature,
        "counts": dict(sorted(counts.items())),
        "losses": losses,
    }


def examples_of(queries: Sequence[Labelled]) -> list[Example]:
    return [Example(q.query, (q.intent,)) for q in queries]


def gather(data: Path, typos: dict[str, list[str]]) -> tuple[list[Labelled], list[Labelled]]:
    """What to learn from, and the development side (by key); no query of the dev set is in it."""
    rng = random.Random(7)
    lines = (DEV_SETS / "dev_intent.jsonl").read_text().splitlines()
    forbidden = {plain(json.loads(line)["query"]) for line in lines}
    public = sources.labelled(data) + generate.generate(PER_STYLE, 1, typos)
    rng.shuffle(public)
    found = [q for q in public + written.queries() if plain(q.query) not in forbidden]
    learned = [q for q in found if not is_dev(q.query)]
    ours = [q for q in learned if q.source == "written"]
    learned = capped(learned, MOST) + (REPEAT - 1) * ours
    held_out = capped([q for q in found if is_dev(q.query)], MOST // 10)
    rng.shuffle(learned)
    return learned, held_out


def plain(text: str) -> str:
    """A text as it is compared with the dev set: lower case, letters and digits only."""
    return "".join(c for c in text.casefold() if c.isalnum())


def capped(queries: Sequence[Labelled], most: int) -> list[Labelled]:
    """At most `most` of each public source and label; what we wrote is kept."""
    seen: Counter[tuple[str, str]] = Counter()
    kept = []
    for query in queries:
        seen[query.source, query.intent] += 1
        if query.source == "written" or seen[query.source, query.intent] <= most:
            kept.append(query)
    return kept
