"""`finetune`: a classifier on labelled queries of your own, with any number of labels.

A run leaves the checkpoint, which `export --kind intent` takes, and beside it run.json: every
setting, the hash of the data, and what came of it.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer

from triton_models.settings import UsageError, foreign
from triton_models.training import classify, examples, networks
from triton_models.training.adapt import Adaptation
from triton_models.training.checkpoints import minilm, require_checkpoint
from triton_models.training.classify import Lesson
from triton_models.training.examples import Example
from triton_models.training.finetune_options import RATES, command
from triton_models.training.loop import RESUME, History, Schedule, learn
from triton_models.training.vocabulary import bare_tokenizer

NOTES = "run.json"


@dataclass(frozen=True)
class Recipe:
    """All settings of a run.

    Attributes:
        pooling: what the head sees: "mean" of the tokens, or "cls".
        dropout: of the BERT and the head; None leaves what the checkpoint says.
        balance: "none", "weights" (rare labels weigh more) or "sampling" (come more often).
        metric: of dev, by which the best epoch is chosen.
        out_of_scope: the label of what belongs to no other; a threshold is chosen for it.
    """

    schedule: Schedule
    adaptation: Adaptation
    lesson: Lesson
    pooling: str = "mean"
    multi: bool = False
    dropout: float | None = None
    balance: str = "none"
    metric: str = "accuracy"
    out_of_scope: str = ""


@dataclass(frozen=True)
class Material:
    """The examples, disjoint, and their labels."""

    learned: list[Example]
    dev: list[Example]
    labels: tuple[str, ...]

    def about(self) -> dict:
        return {
            "learned": len(self.learned),
            "dev": len(self.dev),
            "labels": len(self.labels),
            "learned_sha256": examples.digest(self.learned),
            "dev_sha256": examples.digest(self.dev),
        }


def run(args: argparse.Namespace) -> str:
    """The command; returns the line to print."""
    networks.quiet()
    if foreign(args.out, NOTES) and not list(args.out.glob(f"{Path(RESUME).stem}.*")):
        raise UsageError(f"{args.out}: holds something else; give --out another folder")
    start = minilm() if args.start == "minilm" else Path(args.start)
    require_checkpoint(start)
    if args.threads:
        torch.set_num_threads(args.threads)
    recipe = recipe_of(args)
    material = gather(args)
    check(recipe, material)
    torch.set_flush_denormal(True)  # moments that fade away would slow AdamW down
    print(
        f"{len(material.learned)} queries to learn from, {len(material.dev)} of dev,"
        f" {len(material.labels)} labels",
        flush=True,
    )
    args.out.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    result = train(material, start, args.out, recipe)
    notes = {
        "command": command(args),
        "start": args.start,
        "recipe": dataclasses.asdict(recipe),
        "data": {"queries": args.queries, "dev_file": args.dev, **material.about()},
        "result": result,
        "seconds": round(time.monotonic() - begun),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    (args.out / NOTES).write_text(json.dumps(notes, indent=2) + "\n")
    figures = result.get("dev", {}) | result.get("scope", {})
    shown = ", ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in figures.items())
    return f"{args.out}: trained in {notes['seconds']} s; dev: {shown or 'none kept'}"


def recipe_of(args: argparse.Namespace) -> Recipe:
    """The settings that the command line gives."""
    return Recipe(
        Schedule(
            epochs=args.epochs,
            batch_size=args.batch,
            rate=args.rate or RATES[args.how],
            seed=args.seed,
            warm_up=args.warm_up,
            decay=args.decay,
            weight_decay=args.weight_decay,
            clip=args.clip,
            patience=args.patience,
            parts=args.parts,
            precision=args.precision,
            adversarial=args.adversarial,
        ),
        Adaptation(args.how, args.size, args.layer_decay, args.head_rate),
        Lesson(args.smoothing, args.misspelled, args.consistency, args.balance == "weights"),
        pooling=args.pooling,
        multi=args.multi,
        dropout=args.dropout,
        balance=args.balance,
        metric=args.metric or ("micro_f1" if args.multi else "accuracy"),
        out_of_scope=args.out_of_scope or "",
    )


def gather(args: argparse.Namespace) -> Material:
    """Read the files; without --dev, 15 % are kept for it by the hash of the query."""
    columns = args.columns.split(",") if args.columns else ()
    found = list(dict.fromkeys(e for place in args.queries for e in read(place, columns, args)))
    labels = examples.label_names(found)
    if args.dev:
        dev = read(args.dev, columns, args)
        if strange := set(examples.label_names(dev)) - set(labels):
            raise UsageError(f"{args.dev}: labels without a query to learn from: {listed(strange)}")
        return Material(examples.without(found, dev), dev, labels)
    if args.no_dev:
        return Material(found, [], labels)
    learned, dev = examples.split(found)
    return Material(examples.without(learned, dev), dev, labels)


def read(place: str, columns: Sequence[str], args: argparse.Namespace) -> list[Example]:
    return examples.read(place, columns, args.multi)


def listed(names: set[str]) -> str:
    return ", ".join(sorted(names)[:5]) + (", …" if len(names) > 5 else "")


def check(recipe: Recipe, material: Material) -> None:
    """Raises UsageError for settings and data that do not go together."""
    scope, labels = recipe.out_of_scope, material.labels
    faults = (
        (len(labels) < 2, f"{len(labels)} label in the queries: give at least two"),
        (not material.learned, "nothing left to learn from: all queries are in --dev as well"),
        (recipe.schedule.patience and not material.dev, "--patience needs a dev set"),
        (scope and scope not in labels, f"--out-of-scope: no query has the label {scope!r}"),
        (scope and recipe.multi, "--out-of-scope goes with one label a query, not with --multi"),
    )
    for wrong, told in faults:
        if wrong:
            raise UsageError(told)


def train(material: Material, start: Path, out: Path, recipe: Recipe) -> dict:
    """Train and write the checkpoint `out`; returns what came of it."""
    torch.manual_seed(recipe.schedule.seed)
    network = networks.classifier(
        start, material.labels, recipe.pooling, recipe.multi, recipe.dropout
    )
    network.to("cuda" if torch.cuda.is_available() else "cpu")
    tokenizer = bare_tokenizer(start)
    loss = classify.Loss(network, tokenizer, material.learned, material.labels, recipe.lesson)
    wanted = classify.targets(material.dev, material.labels)
    texts = [e.text for e in material.dev]

    def judge() -> float:
        said = classify.logits(network, tokenizer, texts)
        return classify.measure(said, wanted, recipe.multi)[recipe.metric]

    history = learn(
        network,
        [len(e.text) for e in material.learned],
        loss,
        recipe.schedule,
        adaptation=recipe.adaptation,
        judge=judge if texts else None,
        weights=classify.rarity(material.learned) if recipe.balance == "sampling" else None,
        folder=out,
        key=fingerprint(material, recipe, start),
    )
    result = finish(network, tokenizer, material, recipe, history)
    networks.save(network.cpu(), out)
    tokenizer.save(str(out / "tokenizer.json"))
    return result


def finish(
    network: networks.ProbabilityModel,
    tokenizer: Tokenizer,
    material: Material,
    recipe: Recipe,
    history: History,
) -> dict:
    """Calibrate on dev, and measure."""
    result = {"epochs": len(history.losses), "best_epoch": history.best, **vars(history)}
    del result["best"]
    if not material.dev:
        return result
    wanted = classify.targets(material.dev, material.labels)
    said = classify.logits(network, tokenizer, [e.text for e in material.dev])
    before = classify.measure(said, wanted, recipe.multi)
    result["temperature"] = temperature = classify.calibrate(network, said, wanted)
    result["dev"] = classify.measure(said / temperature, wanted, recipe.multi)
    if "calibration_error" in before:
        result["calibration_error_before"] = before["calibration_error"]
    if recipe.out_of_scope:
        column = material.labels.index(recipe.out_of_scope)
        result["scope"] = classify.out_of_scope(said / temperature, wanted, column)
    return result


def fingerprint(material: Material, recipe: Recipe, start: Path) -> str:
    """Tells one run from another, for resuming."""
    weights = (start / "config.json").read_text()
    told = json.dumps([material.about(), dataclasses.asdict(recipe), str(start), weights])
    return hashlib.sha256(told.encode()).hexdigest()
