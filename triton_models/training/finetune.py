"""`finetune`: a model of any kind on data of your own.

A run leaves the checkpoint, which `export` takes, and beside it run.json: every setting, the
hash of the data, and what came of it.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from triton_models.data import manifest_file
from triton_models.data.noticed import Noticed
from triton_models.kinds import KINDS
from triton_models.training import finetune_config, networks, notes
from triton_models.training import finetune_options as options
from triton_models.training.checkpoints import named, require_checkpoint
from triton_models.training.course import Material, refuse
from triton_models.training.folder import resumable
from triton_models.training.loop import Watch


@dataclass(frozen=True)
class Job:
    """One training, checked and ready to run.

    Attributes:
        args: the options as they were given.
        start: folder of the checkpoint to begin with.
        course: the kind's `training`.
    """

    args: argparse.Namespace
    start: Path
    course: ModuleType
    recipe: Any
    material: Material

    @property
    def noticed(self) -> Noticed:
        """What was noticed of the data; a kind of another package may have nothing to say."""
        return getattr(self.material, "noticed", Noticed())

    def told(self) -> str:
        """The data in a line, and below it what is to be warned of."""
        judged = self.material.dev or self.args.no_dev
        lines = (
            self.material.told() + self.noticed.told(),
            self.noticed.warning,
            "" if judged else "Nothing is of dev, so nothing is judged: give --dev, or more data.",
        )
        return "\n".join(filter(None, lines))


@resumable
def run(args: argparse.Namespace) -> str:
    """The command; returns what to print."""
    networks.quiet()
    notes.require_own(args.out)
    job = prepared(args)
    with notes.own(args.out):
        print(job.told(), flush=True)
        if args.leave_one_source_out:
            return without_each_source(job)
        result, seconds = trained(job)
    return f"{args.out}: trained in {seconds} s; dev: {shown(result) or 'none kept'}"


def prepared(args: argparse.Namespace, material: Material | None = None) -> Job:
    """The job of these options; the data is read, unless it is given.

    Raises UsageError for options, a checkpoint or data that do not go together.
    """
    options.check(args)
    start = named(args.start)
    require_checkpoint(start)
    if args.threads:
        torch.set_num_threads(args.threads)
    course, settings = KINDS[args.kind].part("training"), options.settled(args)
    recipe = course.recipe_of(settings)
    material = course.gather(settings) if material is None else material
    course.check(recipe, material)
    refuse((recipe.schedule.patience and not material.dev, "--patience needs a dev set"))
    return Job(args, start, course, recipe, material)


def trained(job: Job, watch: Watch | None = None) -> tuple[dict, int]:
    """Train into the job's folder, with run.json; returns what came of it, and its seconds.

    `watch` is told of each epoch's figure, and ends the run by what it raises; what is left in the
    folder then is gone on with by the same job.
    """
    out, begun = job.args.out, time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    result = job.course.train(job.material, job.start, out, job.recipe, watch)
    notes.write_dev(out, job.material.dev_files())
    return result, record(job, result, begun)


def record(job: Job, result: dict, begun: float, **more: Any) -> int:
    """Write run.json of a job that began at `begun` (time.monotonic); returns its seconds."""
    args = job.args
    return notes.write(
        args.out,
        args.kind,
        options.command(args),
        args.start,
        origin(args) | job.material.about() | job.noticed.about(),
        result,
        begun,
        options=finetune_config.told(args),
        recipe=dataclasses.asdict(job.recipe),
        **more,
    )


def without_each_source(job: Job) -> str:
    """Each source left out in turn; leaves a table and no checkpoint."""
    begun, left_out = time.monotonic(), KINDS[job.args.kind].part("left_out")
    rows = left_out.train(job.material, job.start, job.recipe)
    job.args.out.mkdir(parents=True, exist_ok=True)
    record(job, {"left_out": rows}, begun)
    return left_out.write(rows, job.args.out)


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
