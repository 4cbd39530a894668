"""Distillation of the kinds that learn from unlabelled text alone: encoder, matching, tagging.

The teachers answer every text or pair once, their answers are pooled, and the student learns these.
What an answer is and how far two are apart says the kind's `distilling`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from triton_models.combination import members
from triton_models.data.split import is_dev
from triton_models.kinds import KINDS
from triton_models.settings import UsageError
from triton_models.training import course, networks
from triton_models.training.adapt import Adaptation
from triton_models.training.loop import learn

LAYER_DECAY = 0.95
HEAD_RATE = 1e-3
Asked = tuple[str, ...]  # a text, or a query and a term


@dataclass(frozen=True)
class Texts:
    """What the student learns from and is judged by; nothing of it has a label."""

    learned: list[Asked]
    dev: list[Asked]

    def about(self) -> dict:
        found = {"learned": self.learned, "dev": self.dev}
        return {name: len(side) for name, side in found.items()} | {
            f"{name}_sha256": hashlib.sha256(json.dumps(side).encode()).hexdigest()
            for name, side in found.items()
        }

    def told(self) -> str:
        return f"{len(self.learned)} texts to learn from, {len(self.dev)} of dev"

    def dev_files(self) -> dict[str, list[dict]]:
        """None: `evaluate` needs labels."""
        return {}


def gather(args: argparse.Namespace, kind: str) -> Texts:
    """The texts or pairs of --text, each once; 15 % are dev by the hash of the first text."""
    course.refuse(
        (
            args.queries or args.dev or args.columns,
            f"--queries, --columns and --dev go with intent; {kind} takes --text",
        ),
        (not args.text, f"give --text: what the teachers of {kind} are asked"),
    )
    found = list(dict.fromkeys(KINDS[kind].part("distilling").read(args.text)))
    sides: tuple[list[Asked], list[Asked]] = ([], [])
    for one in found:
        sides[is_dev(one[0])].append(one)
    course.refuse((not all(sides), f"{len(found)} texts are too few to part; give more"))
    return Texts(*sides)


def same_kind(folders: Sequence[Path]) -> str:
    """The kind of all teachers; UsageError where they differ."""
    kind = members.kind_of(folders[0])
    for folder in folders[1:]:
        if (other := members.kind_of(folder)) != kind:
            raise UsageError(
                f"{folder}: a run of {other}, {folders[0]} is one of {kind}; give one kind"
            )
    return kind


def train(
    kind: str,
    material: Texts,
    folders: Sequence[Path],
    student: Path,
    begun: Path,
    out: Path,
    recipe: Any,
) -> dict:
    """Train and write the checkpoint `out`; returns what came of it.

    Args:
        student: the checkpoint that was given, and `begun` what it begins with: the same, or a
            pruned one.
        recipe: of `distil`.
    """
    part = KINDS[kind].part("distilling")
    torch.manual_seed(recipe.schedule.seed)
    sides = (material.learned, material.dev)
    said: list[list[Any]] = [[], []]
    for folder in folders:
        network = networks.load(folder, kind).to(course.place()).eval()
        tokenizer = networks.tokenizer_of(folder)
        for side, mine in zip(sides, said, strict=True):
            mine.append(part.says(network, tokenizer, side))
    wanted, of_dev = map(part.pooled, said)
    network = part.student(begun, folders).to(course.place()).eval()
    tokenizer = networks.tokenizer_of(begun)

    def agreement() -> float:
        return part.agreement(part.says(network, tokenizer, material.dev), of_dev)

    def judge() -> dict[str, float]:
        found = part.says(network, tokenizer, material.dev)
        return {"negative_divergence": -part.distance(found, of_dev)}

    start = agreement()
    out.mkdir(parents=True, exist_ok=True)
    history = learn(
        network,
        [sum(map(len, one)) for one in material.learned],
        part.Loss(network, tokenizer, material.learned, wanted, recipe),
        recipe.schedule,
        adaptation=Adaptation(layer_decay=LAYER_DECAY, head_rate=HEAD_RATE),
        judge=judge,
        folder=out,
        key=course.fingerprint(material, recipe, student, folders),
    )
    figures = {"student, before": {"agreement": start}, "student": {"agreement": agreement()}}
    networks.save(network.cpu(), out)
    tokenizer.save(str(out / "tokenizer.json"))
    notes = part.notes(folders)
    if notes:
        (out / "training.json").write_text(json.dumps(notes) + "\n")
    dev = {"start": figures["student, before"], "dev": figures["student"], "figures": figures}
    return course.came_of(history) | notes | dev
