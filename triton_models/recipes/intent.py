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
from tokenizers import Tokenizer
from torch import Tensor, nn

from triton_models.data import sources
from triton_models.data.split import Labelled, is_dev
from triton_models.data.typos import misspell
from triton_models.recipes import generate, written
from triton_models.recipes.encoder import inputs
from triton_models.settings import DEV_SETS, LABELS
from triton_models.training import networks
from triton_models.training.loop import Schedule, fit
from triton_models.training.vocabulary import bare_tokenizer

SCHEDULE = Schedule(epochs=7, batch_size=64, rate=3e-4)
PER_STYLE = 200  # generated queries for each label and style
MOST = 700  # queries of one public set and label, so that no source is a label
REPEAT = 2  # how often an epoch sees each of our written queries
MISSPELLED = 0.7  # share of the queries that are read with a typo
SMOOTHING = 0.05  # of the labels


def train(data: Path, out: Path, start: Path, schedule: Schedule = SCHEDULE) -> dict:
    """Train from the encoder's checkpoint `start`; returns the settings and figures."""
    typos = sources.misspellings(data)
    learned, held_out = examples(data, typos)
    tokenizer = bare_tokenizer(start)
    torch.manual_seed(schedule.seed)
    network = networks.load(start, "intent")
    loss = classification_loss(network, tokenizer, learned, typos)
    losses = fit(network, [len(q.query) for q in learned], loss, schedule)
    temperature = calibrate(network, tokenizer, held_out)
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


def examples(data: Path, typos: dict[str, list[str]]) -> tuple[list[Labelled], list[Labelled]]:
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


def classification_loss(
    network: networks.ProbabilityModel,
    tokenizer: Tokenizer,
    queries: Sequence[Labelled],
    typos: dict[str, list[str]],
):
    """The smoothed cross-entropy of a batch of query indices."""
    rng = random.Random(13)

    def read(query: Labelled) -> str:
        if rng.random() < MISSPELLED:
            return misspell(query.query, typos, rng)
        return query.query

    def loss(rows: list[int]) -> Tensor:
        logits = network.logits(*inputs(tokenizer, [read(queries[i]) for i in rows]))
        wanted = torch.tensor([LABELS.index(queries[i].intent) for i in rows])
        return nn.functional.cross_entropy(logits, wanted, label_smoothing=SMOOTHING)

    return loss


def calibrate(
    network: networks.ProbabilityModel, tokenizer: Tokenizer, held_out: Sequence[Labelled]
) -> float:
    """Fit the temperature on held-out queries and fold it into the last layer."""
    parts = []
    with torch.inference_mode():
        for start in range(0, len(held_out), 128):
            texts = [q.query for q in held_out[start : start + 128]]
            parts.append(network.logits(*inputs(tokenizer, texts)))
    logits = torch.cat(parts).clone()
    wanted = torch.tensor([LABELS.index(q.intent) for q in held_out])
    steps = torch.arange(0.3, 4.0, 0.02)
    costs = [nn.functional.cross_entropy(logits / t, wanted) for t in steps]
    temperature = float(steps[int(torch.stack(costs).argmin())])
    with torch.no_grad():
        for weight in network.classifier.classifier.parameters():
            weight /= temperature
    return temperature
