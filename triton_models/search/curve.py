"""`learning-curve`: how much more data is worth.

The model is trained on nested shares of its examples and judged on the same dev set; a power law is
fitted to the errors, and says what twice the examples would bring. Each seed draws its own shares.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np

from triton_models.evaluation.cells import NAMES, ranged, table
from triton_models.search import law, pictures, repeat
from triton_models.search.options import FEWEST
from triton_models.search.shares import nested
from triton_models.settings import UsageError, foreign
from triton_models.training import finetune, finetune_config, networks, notes
from triton_models.training import finetune_options as options
from triton_models.training.course import refuse
from triton_models.training.finetune import Job
from triton_models.training.folder import LOCK, alone, resumable
from triton_models.training.picture import draw

FILE, PAGE, PICTURE = "learning-curve.json", "learning-curve.md", "learning-curve.svg"
RUNS = "runs"
NOTE = (
    "Judged on the same {dev:,} rows of dev throughout, by {metric}; no test set was read. The law"
    " speaks of more rows like these: other sources, or better labels, may bring more or less."
)


@resumable
def run(args: argparse.Namespace, _: Path | None) -> str:
    """The command; returns what to print."""
    networks.quiet()
    if foreign(args.out, FILE, LOCK) and not (args.out / RUNS).is_dir():
        raise UsageError(f"{args.out}: exists and is no learning curve; give --out another folder")
    job = finetune.prepared(args)
    refuse((not job.material.dev, "a learning curve is judged on dev, and there is none"))
    check_shares(job)
    with alone(args.out):
        print(job.told(), flush=True)
        rows = [row_of(job, share) for share in args.shares]
        return written(job, rows)


def written(job: Job, rows: list[dict]) -> str:
    """Write the curve of these shares; returns its page and the page's place."""
    args = job.args
    dev = job.material.about()["dev"]
    found = {
        "kind": args.kind,
        "metric": job.recipe.metric,
        "dev": dev,
        "options": finetune_config.told(args),
        "rows": rows,
        "law": law.described(
            [row["examples"] for row in rows],
            [1 - row["mean"] for row in rows],
            noise_of(rows, dev),
        ),
    }
    (args.out / FILE).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    draw(args.out / PICTURE, pictures.curve, found)
    text = page(found)
    (args.out / PAGE).write_text(text, encoding="utf-8")
    return f"{text}\n{args.out / PAGE}"


def check_shares(job: Job) -> None:
    """Raises UsageError for shares that are too small to differ, so that no law can be fitted."""
    units, args = job.material.units(), job.args
    counts = sorted({len(nested(units, share, args.seed)) for share in args.shares})
    told = f"--shares: they have {' or '.join(map(str, counts))} examples, and a curve needs"
    refuse((len(counts) < FEWEST, f"{told} {FEWEST} numbers of them; give larger shares"))


def row_of(job: Job, share: float) -> dict:
    """The figures of one share, with each seed."""
    examples, values, units = [], [], job.material.units()
    for seed in repeat.seeds_of(job.args):
        material = job.material.part(nested(units, share, seed))
        examples.append(len(material.learned))
        print(f"share {share:g}, seed {seed}: {material.told()}", flush=True)
        out = job.args.out / RUNS / f"{share:g}-{seed}"
        result = repeat.again(job, out, material, seed=seed, epochs=epochs_of(job.args, share))
        notes.strip(out)
        values.append(result["dev"][job.recipe.metric])
    return {"share": share, "examples": round(np.mean(examples)), "values": values} | (
        repeat.spread(values)
    )


def epochs_of(args: argparse.Namespace, share: float) -> int:
    """The epochs of a share; with --same-steps as many as make the steps of all examples."""
    epochs = options.settled(args).epochs
    return math.ceil(epochs / share) if args.same_steps else epochs


def noise_of(rows: list[dict], dev: int) -> float:
    """The standard deviation of a share's mean figure: what the seeds show, or of one seed that of
    a share of right answers among so many rows of dev.
    """
    variances = [row["sd"] ** 2 for row in rows if "sd" in row]
    if variances:
        return math.sqrt(np.mean(variances) / len(rows[0]["values"]))
    mean = rows[-1]["mean"]
    return math.sqrt(max(mean * (1 - mean), 1 / dev) / dev)


def page(found: dict) -> str:
    """The results as Markdown."""
    metric, fitted = found["metric"], found["law"]
    name = NAMES.get(metric, metric)
    seeds = len(found["rows"][0]["values"])
    heads = ("share", "examples", f"{name} of dev" + (f", {seeds} seeds" if seeds > 1 else ""))
    lines = [
        (f"{row['share']:.1%}", f"{row['examples']:,}", repeat.told(row), f"{value:.4f}")
        for row, value in zip(found["rows"], fitted["fitted"], strict=True)
    ]
    told = (
        f"Error = a · n^-b + c with b = {ranged(fitted['exponent'])} and c ="
        f" {ranged(fitted['floor'])}. Twice the examples would bring"
        f" **{ranged(fitted['gain'], sign=True)}**: {name} {ranged(fitted['doubled'])}."
    )
    note = NOTE.format(dev=found["dev"], metric=name)
    parts = [f"# Learning curve of {found['kind']}", told, f"![learning curve]({PICTURE})"]
    return "\n\n".join([*parts, table((*heads, "power law"), lines), note]) + "\n"
