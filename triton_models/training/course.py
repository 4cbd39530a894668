"""What the courses of all kinds have in common: settings, identity, what came of a run."""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from tokenizers import Tokenizer
from torch import nn

from triton_models.contract import sha256
from triton_models.settings import UsageError
from triton_models.training import families, networks
from triton_models.training.adapt import Adaptation
from triton_models.training.loop import History
from triton_models.training.schedule import Schedule


class Material(Protocol):
    """What a course learns from and is judged by."""

    def about(self) -> dict:
        """Counts and hashes, for the notes; they tell one run from another."""

    def told(self) -> str:
        """The counts in a line."""

    def dev_files(self) -> Mapping[str, Sequence[dict]]:
        """The dev side as `evaluate --dev` reads it, by the names of the files."""

    def units(self) -> Sequence[tuple[str, tuple[str, ...]]]:
        """Of each example to learn from, what it is drawn together with, and its labels."""

    def part(self, rows: Sequence[int]) -> Material:
        """The same with these examples to learn from alone; dev is judged as it was."""


def schedule_of(args: argparse.Namespace) -> Schedule:
    return Schedule(
        epochs=args.epochs,
        batch_size=args.batch,
        rate=args.rate,
        seed=args.seed,
        warm_up=args.warm_up,
        decay=args.decay,
        weight_decay=args.weight_decay,
        clip=args.clip,
        patience=args.patience,
        parts=args.parts,
        precision=args.precision,
        adversarial=args.adversarial,
    )


def adaptation_of(args: argparse.Namespace) -> Adaptation:
    return Adaptation(args.how, args.size, args.layer_decay, args.head_rate)


def language_of(args: argparse.Namespace) -> tuple[str, tuple[str, ...]]:
    """The language of the typos, and the files of its confusion sets."""
    return args.language, tuple(map(str, args.confusions or ()))


def fingerprint(material: Material, recipe: Any, start: Path, teachers: Sequence[Path] = ()) -> str:
    """Tells one run from another, for resuming: by the weights of `start` and of teachers too."""
    begun = [weights_of(folder) for folder in (start, *teachers)]
    told = json.dumps([material.about(), dataclasses.asdict(recipe), str(start), begun])
    return hashlib.sha256(told.encode()).hexdigest()


def weights_of(checkpoint: Path) -> dict[str, str]:
    """The SHA-256 of the files that make a checkpoint's network."""
    weights = sorted([*checkpoint.glob("*.safetensors"), *checkpoint.glob("*.bin")])
    files = [checkpoint / "config.json", *weights]
    return {file.name: sha256(file) for file in files}


def came_of(history: History) -> dict:
    """The history as the notes tell it."""
    told = {"epochs": len(history.losses), "best_epoch": history.best, **vars(history)}
    del told["best"]
    return told


def keep(network: nn.Module, tokenizer: Tokenizer, out: Path, result: dict) -> None:
    """Write the checkpoint of a network that is done; `result` is what came of it."""
    networks.save(network.cpu(), out)
    tokenizer.save(str(out / "tokenizer.json"))


def place() -> str:
    """Where to train."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def drop_out(network: nn.Module, share: float | None) -> None:
    """Set every dropout of a network; None leaves it."""
    if share is not None:
        families.drop_out(network, share)


def refuse(*faults: tuple[object, str]) -> None:
    """Raises UsageError with the text of the first fault that is there."""
    for wrong, told in faults:
        if wrong:
            raise UsageError(told)
