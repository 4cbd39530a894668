"""`combine distil`: a small model that says what a large one, or several together, say.

As in Hinton et al. (2015): the teachers answer every text once, their answers are pooled, and the
student learns these, softened by a temperature, and labels where the kind has them and they are
known. Texts without labels are as good as others. What an answer is, and how far two are apart,
says the kind's `distilling`. The student may be a teacher with some of its layers and pieces left
out.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from triton_models.combination import language, members, stack
from triton_models.combination.options import STEPS
from triton_models.combination.prune import prune
from triton_models.combination.view import show
from triton_models.kinds import KINDS
from triton_models.training import course, networks, notes
from triton_models.training.adapt import Adaptation
from triton_models.training.checkpoints import named, require_checkpoint
from triton_models.training.folder import resumable
from triton_models.training.loop import learn
from triton_models.training.schedule import Schedule

LAYER_DECAY = 0.95
HEAD_RATE = 1e-3


@dataclass(frozen=True)
class Recipe:
    """All settings of a run; layers and pieces as `prune` takes them."""

    schedule: Schedule
    temperature: float
    label_weight: float
    misspelled: float
    layers: tuple[int, ...] | None
    pieces: int | None
    weights: tuple[float, ...] | None
    teachers: tuple[str, ...]
    language: str = "en"  # of the typos; see `data.typos`
    confusions: tuple[str, ...] = ()


@resumable
def run(args: argparse.Namespace) -> str:
    """The command; returns the line to print."""
    networks.quiet()
    notes.require_own(args.out)
    if args.threads:
        torch.set_num_threads(args.threads)
    folders, weights = args.teachers, None
    if len(folders) == 1 and folders[0].is_file():
        folders, weights = stack.read(folders[0])
        members.combining(folders)  # of other kinds there are no weights
    args = language.settled(args, folders)
    kind, student = members.same_kind(folders), named(args.student or folders[0])
    require_checkpoint(student)
    recipe = recipe_of(args, folders, weights)
    material = KINDS[kind].part("distilling").gather(args, folders)
    data = {"files": [*args.queries, *map(str, args.text)], **material.about()}
    command, start = STEPS["distil"].command(args), str(args.student or folders[0])
    settled = {"options": STEPS["distil"].options(args), "recipe": dataclasses.asdict(recipe)}
    texts = [text for one in material.texts() for text in one]
    with notes.own(args.out), pruned(student, recipe, texts) as folder:
        print(material.told(), flush=True)
        begun = time.monotonic()
        result = train(kind, material, folders, student, folder, args.out, recipe)
        show("dev", result["figures"])
        notes.write_dev(args.out, material.dev_files())
        seconds = notes.write(args.out, kind, command, start, data, result, begun, **settled)
    agreement = result["dev"]["agreement"]
    return f"{args.out}: distilled in {seconds} s; it agrees with its teachers on {agreement:.1%}"


def recipe_of(
    args: argparse.Namespace, teachers: Sequence[Path], weights: Sequence[float] | None = None
) -> Recipe:
    """The settings that the command line gives."""
    return Recipe(
        Schedule(
            epochs=args.epochs,
            batch_size=args.batch,
            rate=args.rate,
            seed=args.seed,
            warm_up=args.warm_up,
            parts=args.parts,
            precision=args.precision,
        ),
        args.temperature,
        args.label_weight,
        args.misspelled,
        args.layers,
        args.pieces,
        weights and tuple(weights),
        tuple(map(str, teachers)),
        *course.language_of(args),
    )


def train(
    kind: str,
    material: Any,
    folders: Sequence[Path],
    student: Path,
    begun: Path,
    out: Path,
    recipe: Recipe,
) -> dict:
    """Train and write the checkpoint `out`; returns what came of it.

    Args:
        material: what the kind's `gather` found.
        folders: of the teachers.
        student: the checkpoint that was given, and `begun` what it begins with: the same, or a
            pruned one.
    """
    part, dev = KINDS[kind].part("distilling"), material.dev
    torch.manual_seed(recipe.schedule.seed)
    wanted, of_dev = taught(kind, material, folders, recipe)
    network = part.student(begun, folders).to(course.place()).eval()
    tokenizer = networks.tokenizer_of(begun)

    def judge() -> dict[str, float]:
        return {"negative_divergence": -part.distance(part.says(network, tokenizer, dev), of_dev)}

    before = part.figures(part.says(network, tokenizer, dev), of_dev, dev)
    out.mkdir(parents=True, exist_ok=True)
    history = learn(
        network,
        [sum(map(len, one)) for one in material.texts()],
        part.Loss(network, tokenizer, material.learned, wanted, recipe),
        recipe.schedule,
        adaptation=Adaptation(layer_decay=LAYER_DECAY, head_rate=HEAD_RATE),
        judge=judge,
        folder=out,
        key=course.fingerprint(material, recipe, student, folders),
    )
    found, settled = part.finish(network, part.says(network, tokenizer, dev), dev, folders, out)
    after = part.figures(found, of_dev, dev)
    teachers = part.figures(of_dev, of_dev, dev)
    figures = {"teachers": teachers, "student, before": before, "student": after}
    result = course.came_of(history) | settled
    result |= {"start": before, "dev": after, "figures": figures}
    course.keep(network, tokenizer, out, result)
    return result


def taught(kind: str, material: Any, folders: Sequence[Path], recipe: Recipe) -> tuple[Any, Any]:
    """What the teachers say together of the texts to learn from, and of those of dev."""
    part = KINDS[kind].part("distilling")
    said: list[list[Any]] = [[], []]
    for folder in folders:
        network = networks.load(folder, kind).to(course.place()).eval()
        tokenizer = networks.tokenizer_of(folder)
        for side, mine in zip((material.learned, material.dev), said, strict=True):
            mine.append(part.says(network, tokenizer, side))
    return part.pooled(said[0], recipe.weights), part.pooled(said[1], recipe.weights)


@contextmanager
def pruned(student: Path, recipe: Recipe, texts: Sequence[str]) -> Iterator[Path]:
    """The folder that a student begins with, of which layers or pieces may be left out."""
    with tempfile.TemporaryDirectory() as scratch:
        if recipe.layers or recipe.pieces:
            prune(student, Path(scratch), recipe.layers, recipe.pieces, texts)
        yield Path(scratch) if recipe.layers or recipe.pieces else student
