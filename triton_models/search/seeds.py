"""`finetune --seeds N`: how much of a figure of dev is chance, and the mean of the runs' weights.

The folder is a run like any other, so that `export` takes it: it holds the mean of the weights
where that is better on dev than the runs are on average, else the best run. (The best of several
seeds is not expected to be better on other rows than they are on average.) The runs stay below
`seeds`.
"""

from __future__ import annotations

import argparse
import shutil
import time
from pathlib import Path

from triton_models.combination.average import average
from triton_models.evaluation.cells import NAMES
from triton_models.search import repeat
from triton_models.training import finetune, networks, notes
from triton_models.training.course import place, refuse
from triton_models.training.finetune import Job
from triton_models.training.folder import alone, resumable
from triton_models.training.run_card import NOTES

FOLDER = "seeds"
AVERAGE = "mean of the weights"


@resumable
def run(args: argparse.Namespace) -> str:
    """The command; returns the line to print."""
    networks.quiet()
    begun = time.monotonic()
    require_own(args.out)
    job = finetune.prepared(args)
    refuse((not job.material.dev, "--seeds are compared on dev, and there is none"))
    with alone(args.out):
        require_own(args.out)  # another process may have ended its run meanwhile
        print(job.told(), flush=True)
        return f"{args.out}: {told(each(job, begun))}"


def require_own(out: Path) -> None:
    """Raises UsageError when a folder holds something else than seeds that were begun."""
    if (out / NOTES).is_file() or not (out / FOLDER).is_dir():
        notes.require_own(out)


def each(job: Job, begun: float) -> dict:
    """Train with every seed, and keep the mean or the best; returns what came of it."""
    args, results = job.args, {}
    for seed in repeat.seeds_of(args):
        print(f"seed {seed}", flush=True)
        results[seed] = repeat.again(job, args.out / FOLDER / str(seed), seed=seed)
    mean = kept_mean(job, results)
    values = {seed: result["dev"] for seed, result in results.items()}
    metric = job.recipe.metric
    found = {
        "metric": metric,
        "runs": values,
        "spread": {n: repeat.spread([dev[n] for dev in values.values()]) for n in mean["dev"]},
        "average": mean["dev"],
    }
    pays = mean["dev"][metric] > found["spread"][metric]["mean"]
    best = max(values, key=lambda seed: (values[seed][metric], -seed))
    found["kept"] = AVERAGE if pays else f"seed {best}"
    if not pays:
        source = args.out / FOLDER / str(best)
        shutil.copytree(
            source, args.out, dirs_exist_ok=True, ignore=lambda _, names: {NOTES} & set(names)
        )
    notes.write_dev(args.out, job.material.dev_files())
    finetune.record(job, (mean if pays else results[best]) | {"seeds": found}, begun)
    return found


def kept_mean(job: Job, results: dict[int, dict]) -> dict:
    """Write the mean of the weights as the checkpoint, and judge it on dev; what came of it."""
    kind, out = job.args.kind, job.args.out
    folders = [out / FOLDER / str(seed) for seed in results]
    network = average(folders, kind).to(place()).eval()
    tokenizer = networks.tokenizer_of(folders[0])
    result = job.course.finish(network, tokenizer, job.material, job.recipe)
    job.course.keep(network, tokenizer, out, result)
    return result


def told(found: dict) -> str:
    """The figures of the seeds in a line."""
    metric, runs = found["metric"], found["runs"]
    spread = found["spread"][metric]
    return (
        f"{len(runs)} seeds, {NAMES.get(metric, metric)} of dev {repeat.told(spread)},"
        f" standard deviation {spread['sd']:.4f};"
        f" {AVERAGE} {found['average'][metric]:.4f}; kept: {found['kept']}"
    )
