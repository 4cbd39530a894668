"""The matching model: a cross-encoder that says whether a term or title belongs to a query."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from triton_models.data import sources
from triton_models.data.split import is_dev
from triton_models.evaluation import figures
from triton_models.recipes import pairs
from triton_models.recipes.pairs import Pair
from triton_models.text import encode
from triton_models.training import networks
from triton_models.training.loop import Schedule, fit
from triton_models.training.vocabulary import bare_tokenizer

SCHEDULE = Schedule(epochs=2, batch_size=64, rate=2e-4)
SMOOTHING = 0.04  # of the answers 0 and 1
BETA = 0.5  # a wrong expansion costs more than a missing one


def train(data: Path, out: Path, start: Path, schedule: Schedule = SCHEDULE) -> dict:
    """Train from the encoder's checkpoint `start`; returns the settings and figures."""
    found = pairs.all_pairs(data, sources.misspellings(data))
    learned = [p for p in found if not is_dev(p.key)]
    held_out = [p for p in found if is_dev(p.key)]
    random.Random(29).shuffle(learned)
    tokenizer = bare_tokenizer(start)
    torch.manual_seed(schedule.seed)
    network = networks.load(start, "matching")
    lengths = [len(p.query) + len(p.term) for p in learned]
    losses = fit(network, lengths, pair_loss(network, tokenizer, learned), schedule)
    networks.save(network, out)
    tokenizer.save(str(out / "tokenizer.json"))
    return {
        "examples": len(learned),
        "held_out": len(held_out),
        "counts": counted(learned),
        "losses": losses,
        **choose_threshold(network, tokenizer, held_out),
    }


def counted(judged: Sequence[Pair]) -> dict[str, int]:
    """How many pairs of each source match, and how many do not."""
    words = ("not", "matching")
    return dict(sorted(Counter(f"{p.source} {words[p.match]}" for p in judged).items()))


def pair_loss(network: networks.PairModel, tokenizer: Tokenizer, judged: Sequence[Pair]):
    """The smoothed cross-entropy of a batch of pair indices."""

    def loss(rows: list[int]) -> Tensor:
        logits = network.logits(*inputs(tokenizer, [judged[i] for i in rows]))[:, 0]
        wanted = torch.tensor([float(judged[i].match) for i in rows])
        return nn.functional.binary_cross_entropy_with_logits(
            logits, wanted * (1 - 2 * SMOOTHING) + SMOOTHING
        )

    return loss


def inputs(tokenizer: Tokenizer, judged: Sequence[Pair]) -> tuple[Tensor, Tensor, Tensor]:
    """The model's three inputs, without columns that are all padding."""
    arrays = encode(tokenizer, [p.query for p in judged], [p.term for p in judged])
    longest = int(arrays["attention_mask"].sum(axis=1).max())
    names = ("input_ids", "attention_mask", "token_type_ids")
    ids, mask, types = (torch.from_numpy(arrays[name][:, :longest]) for name in names)
    return ids, mask, types


def choose_threshold(
    network: networks.PairModel, tokenizer: Tokenizer, held_out: Sequence[Pair]
) -> dict[str, float]:
    """The threshold with the best F0.5 on the held-out pairs of (query, term), and the f1 there."""
    judged = [p for p in held_out if p.source in ("lexicon", "wands")]
    parts = []
    with torch.inference_mode():
        for start in range(0, len(judged), 128):
            parts.append(network(*inputs(tokenizer, judged[start : start + 128]))[:, 0])
    scores = torch.cat(parts).numpy()
    matches = np.array([p.match for p in judged])
    threshold = figures.best_threshold(scores, matches, BETA)
    return {
        "threshold": threshold,
        "held_out_f1": figures.f_measure(scores >= threshold, matches),
        "held_out_average_precision": figures.average_precision(scores, matches),
    }
