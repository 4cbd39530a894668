"""`finetune`: a model of any kind on data of your own.

A run leaves the checkpoint, which `export` takes, and beside it run.json: every setting, the
hash of the data, and what came of it.
"""

from __future__ import annotations

import argparse
import dataclasses
import time

import torch

from triton_models.data import manifest_file
from triton_models.kinds import KINDS
from triton_models.kinds.intent import left_out
from triton_models.training import finetune_config, networks, notes
from triton_models.training import finetune_options as options
from triton_models.training.checkpoints import named, require_checkpoint
from triton_models.training.course import refuse


def run(args: argparse.Namespace) -> str:
    """The command; returns what to print."""
    networks.quiet()
    notes.require_own(args.out)
    start = named(args.start)
    require_checkpoint(start)
    if args.threads:
        torch.set_num_threads(args.threads)
    course, settings = KINDS[args.kind].part("training"), options.settled(args)
    recipe, material = course.recipe_of(settings), course.gather(settings)
    course.check(recipe, material)
    refuse((recipe.schedule.patience and not material.dev, "--patience needs a dev set"))
    print(material.told(), flush=True)
    begun = time.monotonic()
    if args.leave_one_source_out:
        result = {"left_out": left_out.train(material, start, recipe)}
        args.out.mkdir(parents=True, exist_ok=True)
    else:
        args.out.mkdir(parents=True, exist_ok=True)
        result = course.train(material, start, args.out, recipe)
        notes.write_dev(args.out, material.dev_rows())
    command, data = options.command(args), origin(args) | material.about()
    settled = {"options": finetune_config.told(args), "recipe": dataclasses.asdict(recipe)}
    seconds = notes.write(args.out, args.kind, command, args.start, data, result, begun, **settled)
    if args.leave_one_source_out:
        return left_out.write(result["left_out"], args.out)
    return f"{args.out}: trained in {seconds} s; dev: {shown(result) or 'none kept'}"


def origin(args: argparse.Namespace) -> dict:
    """Where the data came from."""
    if args.manifest:
        found = manifest_file.read(args.manifest)
        licences = {s.name: s.licence for s in found.sources}
        return {
            "manifest": str(args.manifest),
            "manifest_sha256": found.fingerprint(),
            "licences": licences,
        }
    return {"files": args.queries or args.pairs, "dev_file": args.dev}


def shown(result: dict) -> str:
    """The figures of dev in a line."""
    figures = result.get("dev", {}) | result.get("scope", {})
    return ", ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in figures.items())
