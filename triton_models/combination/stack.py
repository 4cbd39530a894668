"""`combine stack`: several classifiers weighed by what they say of dev.

A logistic stacker: the logits of the stack are a weighted sum of the models' logits, one weight a
model, so that a few hundred queries suffice whatever the number of labels. Its figures are
cross-fitted: each fifth of dev is judged with the weights that the other fifths gave. What is kept
is fitted on all of dev; where the plain mean of the probabilities is as good, that is kept.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from triton_models.combination import members
from triton_models.combination.view import short, show
from triton_models.data import named
from triton_models.evaluation import folds
from triton_models.evaluation.folds import FOLDS
from triton_models.settings import UsageError
from triton_models.training import networks
from triton_models.training.ensemble import pooled
from triton_models.training.inputs import asked

DRAWN = 0.01  # how strongly weights are drawn to equal ones
STEPS = 100
MEAN, STACK = "plain mean", "stack, cross-fitted"


def run(args: argparse.Namespace) -> str:
    """The command; returns the line to print."""
    networks.quiet()
    if args.out.is_dir():
        raise UsageError(f"{args.out}: is a folder; give --out a file, as stack.json")
    if args.out.exists():
        raise UsageError(f"{args.out}: exists; give --out another file, or delete it")
    part = members.combining(args.runs)
    found = part.members(args.runs)
    labels = found[0].labels
    dev = part.dev_of(named.places(args.queries, args.columns), labels)
    if (count := len(dev.texts)) < 2 * FOLDS:
        raise UsageError(f"{count} queries are too few to weigh models by; give {2 * FOLDS}")
    said = torch.stack([member.says(dev.texts, labels) for member in found])
    answers = dict(zip(short(args.runs), said, strict=True))
    answers |= {MEAN: pooled(said), STACK: cross_fitted(said, dev.wanted, dev.texts)}
    rows = {name: part.figures(mine, dev.wanted) for name, mine in answers.items()}
    show(f"{count} queries of dev", rows)
    better = rows[STACK]["log_loss"] < rows[MEAN]["log_loss"]
    weights = fitted(said, dev.wanted) if better else None
    stack = {
        "teachers": list(map(str, args.runs)),
        "weights": weights,
        "labels": labels,
        "dev_sha256": dev.sha256,
        "figures": rows,
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(stack, indent=2) + "\n")
    told = ", ".join(f"{weight:.2f}" for weight in weights) if weights else "the plain mean"
    return f"{args.out}: weights {told}"


def fitted(said: Tensor, wanted: Tensor) -> list[float]:
    """A weight for each model, that makes what is wanted likeliest; said is [models, rows, labels].

    The weights need not sum to 1: what is above or below makes the stack surer or less sure.
    """
    cost = nn.functional.cross_entropy
    equal = torch.full((len(said),), 1 / len(said))
    weights = equal.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([weights], max_iter=STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        joined = (said * weights[:, None, None]).sum(dim=0)
        loss = cost(joined, wanted) + DRAWN * (weights - equal).square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return weights.tolist()


def cross_fitted(said: Tensor, wanted: Tensor, texts: Sequence[str]) -> Tensor:
    """What the stack says of each fold, with the weights that the other folds gave; readings of
    one query are in one fold."""
    found = torch.empty_like(said[0])
    for mine, rest in folds.parts(asked(texts)):
        weights = fitted(said[:, rest], wanted[rest])
        found[mine] = pooled(said[:, mine], weights)
    return found


def read(file: Path) -> tuple[list[Path], list[float] | None]:
    """The teachers that a stack names, and their weights; UsageError for another file."""
    try:
        noted = json.loads(file.read_text())
        teachers, weights = [Path(name) for name in noted["teachers"]], noted["weights"]
        fits = teachers and (weights is None or len(weights) == len(teachers))
    except (OSError, ValueError, KeyError, TypeError):
        fits = False
    if not fits:
        raise UsageError(f"{file}: no stack; give --teachers folders, or what `stack` wrote")
    return teachers, None if weights is None else [float(weight) for weight in weights]
