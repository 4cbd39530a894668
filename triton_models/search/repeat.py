"""One training again: with another seed, or on fewer examples. Finished ones are read."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from triton_models.evaluation.statistics import LEVEL
from triton_models.settings import UsageError, usable
from triton_models.training import finetune, finetune_config
from triton_models.training.course import Material
from triton_models.training.finetune import Job
from triton_models.training.loop import Watch
from triton_models.training.run_card import NOTES


def again(
    job: Job,
    out: Path,
    material: Material | None = None,
    watch: Watch | None = None,
    **changed: Any,
) -> dict:
    """What came of a job with other options, and on other material if it is given, in `out`.

    Raises UsageError where another run is there, and what `watch` does.
    """
    args = argparse.Namespace(**vars(job.args) | {"seeds": 1, "out": out} | changed)
    one = finetune.prepared(args, job.material if material is None else material)
    notes = out / NOTES
    if not notes.is_file():
        return finetune.trained(one, watch)[0]
    with usable(notes, "delete its folder to train again"):
        found = json.loads(notes.read_text(encoding="utf-8"))
        same = found["options"] == finetune_config.told(args)
        same &= found["data"].items() >= one.material.about().items()
    if not same:
        raise UsageError(
            f"{out}: holds a run with other settings or data; give --out another folder"
        )
    return found["result"]


def seeds_of(args: argparse.Namespace) -> range:
    """The seeds of a command: its own and the next ones."""
    return range(args.seed, args.seed + args.seeds)


def spread(values: Sequence[float]) -> dict[str, float]:
    """Mean, standard deviation of a run, and the 95 % t-interval of the mean.

    Of one value the mean alone.
    """
    mean, runs = float(np.mean(values)), len(values)
    if runs < 2:
        return {"mean": mean}
    sd = float(np.std(values, ddof=1))
    half = float(stats.t.ppf((1 + LEVEL) / 2, runs - 1)) * sd / runs**0.5
    return {"mean": mean, "sd": sd, "low": mean - half, "high": mean + half}


def told(found: dict[str, float]) -> str:
    """A spread in words, as 0.9301 (0.9220 to 0.9382)."""
    interval = f" ({found['low']:.4f} to {found['high']:.4f})" if "low" in found else ""
    return f"{found['mean']:.4f}{interval}"
