"""`pretrain`: a BERT checkpoint adapted to queries and catalogue text by masked words.

The run leaves a checkpoint that `finetune --start` takes, and run.json beside it.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from triton_models.data import dataset, manifest_file, texts
from triton_models.data.dataset import Sides
from triton_models.training import configuration, masking, networks, notes, pretrain_options
from triton_models.training.adapt import Adaptation
from triton_models.training.checkpoints import named, require_checkpoint
from triton_models.training.course import came_of, fingerprint, place, refuse
from triton_models.training.folder import resumable
from triton_models.training.loop import learn
from triton_models.training.schedule import Schedule
from triton_models.training.vocabulary import bare_tokenizer

HEAD_RATE = 1e-3  # of a new head
MOST = 5000  # texts of the held-out side that judge


@dataclass(frozen=True)
class Material:
    """Texts by side, and where they are from."""

    sides: Sides[str]
    origin: dict

    def about(self) -> dict:
        learned, held_out = self.sides
        return {
            "learned": len(learned),
            "dev": len(held_out),
            "learned_sha256": texts.digest(learned),
            "dev_sha256": texts.digest(held_out),
        }

    def told(self) -> str:
        return f"{len(self.sides.train)} texts to learn from, {len(self.sides.dev)} held out"


@resumable
def run(args: argparse.Namespace) -> str:
    """The command; returns the line to print."""
    networks.quiet()
    notes.require_own(args.out)
    start = named(args.checkpoint)
    require_checkpoint(start)
    if args.threads:
        torch.set_num_threads(args.threads)
    material = gather(args)
    schedule = Schedule(
        epochs=args.epochs,
        batch_size=args.batch,
        rate=args.rate,
        seed=args.seed,
        warm_up=args.warm_up,
        parts=args.parts,
        precision=args.precision,
    )
    command, data = pretrain_options.command(args), material.origin | material.about()
    recipe = {"schedule": dataclasses.asdict(schedule)}
    settled = {"options": configuration.told(args, pretrain_options.TABLE), "recipe": recipe}
    with notes.own(args.out):
        print(material.told(), flush=True)
        begun = time.monotonic()
        result = train(material, start, args.out, schedule)
        seconds = notes.write(
            args.out, "pretrain", command, args.checkpoint, data, result, begun, **settled
        )
    before, after = result["start"]["perplexity"], result["dev"]["perplexity"]
    new = " (its head was new)" if result["new_head"] else ""
    return f"{args.out}: pretrained in {seconds} s; perplexity {before:.1f}{new}, now {after:.1f}"


def gather(args: argparse.Namespace) -> Material:
    """Read the texts; those of files are split by hash, those of a manifest as it says."""
    if args.manifest:
        manifest = manifest_file.read(args.manifest)
        origin = {
            "manifest": str(args.manifest),
            "manifest_sha256": manifest.fingerprint(),
            "licences": {source.name: source.licence for source in manifest.sources},
        }
        found = Material(dataset.load_texts(manifest), origin)
    else:
        origin = {"files": [str(file) for file in args.text]}
        found = Material(texts.split(texts.read(args.text)), origin)
    refuse(
        (not found.sides.train, "no text to learn from: give more"),
        (not found.sides.dev, "too few texts: none of them falls to the held-out side; give more"),
    )
    return found


def train(material: Material, start: Path, out: Path, schedule: Schedule) -> dict:
    """Train and write the checkpoint `out`; returns what came of it."""
    torch.manual_seed(schedule.seed)
    network = masking.load(start).to(place()).eval()
    tokenizer = bare_tokenizer(start)
    masker = masking.Masker(tokenizer)
    longest = networks.length_of(network.classifier.config)
    learned, held_out = (masking.pieces(tokenizer, side, longest) for side in material.sides)
    held_out = held_out[:MOST]

    def judge() -> dict[str, float]:
        return {"log_likelihood": masking.likelihood(network, masker, held_out)}

    before = judge()["log_likelihood"]
    out.mkdir(parents=True, exist_ok=True)
    history = learn(
        network,
        [len(text.ids) for text in learned],
        masking.Loss(network, masker, learned),
        schedule,
        adaptation=Adaptation(head_rate=HEAD_RATE if network.new_head else None),
        judge=judge,
        folder=out,
        key=fingerprint(material, schedule, start),
    )
    result = came_of(history) | {
        "new_head": network.new_head,
        "start": {"perplexity": math.exp(-before)},
        "dev": {"perplexity": math.exp(-max(history.scores))},
    }
    networks.save(network.cpu(), out)
    bare_tokenizer(start).save(str(out / "tokenizer.json"))
    return result
