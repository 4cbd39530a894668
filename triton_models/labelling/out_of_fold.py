"""What models say of the rows of a run, each row by a model that has not learned from it."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.model_selection import StratifiedGroupKFold

from triton_models.data.sheet import Line
from triton_models.kinds import KINDS
from triton_models.query_text import normal_form
from triton_models.settings import UsageError
from triton_models.training import finetune_config, finetune_options, networks
from triton_models.training.checkpoints import named, require_checkpoint
from triton_models.training.course import refuse
from triton_models.training.run_card import NOTES


def answers(kind: str, run: Path, folds: int) -> tuple[list[Line], Any, Sequence[str]]:
    """The rows of a run's data, of both its sides; what was said of each; the labels.

    Each model learns as the run did, from all rows but those of its fold, without a dev set: for
    all the epochs, and without a temperature. Rows of one query are in one fold.
    """
    networks.quiet()
    settings = settings_of(kind, run)
    start = named(settings.start)
    require_checkpoint(start)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    course, part = KINDS[kind].part("training"), KINDS[kind].part("out_of_fold")
    recipe, material = course.recipe_of(settings), course.gather(settings)
    course.check(recipe, material)
    material = replace(material, learned=part.judgeable(material), dev=[])
    rows = part.rows(material)
    told = f"{len(rows)} rows are too few for {folds} folds; give --folds less, or more data"
    refuse((len(rows) < 2 * folds, told))
    said: list[Any] = [None] * len(rows)
    known: dict = {}  # what a BERT that stays as it is says; of all folds
    for number, (rest, mine) in enumerate(parts(part.strata(material), rows, folds), 1):
        print(f"fold {number} of {folds}: {len(rest):,} rows to learn from", flush=True)
        some = replace(material, learned=[material.learned[i] for i in rest])
        asked = [material.learned[i] for i in mine]
        for i, one in zip(mine, part.answers(some, asked, start, recipe, known), strict=True):
            said[i] = one
    return rows, part.joined(said), part.labels(material)


def settings_of(kind: str, run: Path) -> argparse.Namespace:
    """The options that a run was made with."""
    if not (run / NOTES).is_file():
        raise UsageError(f"{run}: no {NOTES} in it; give --run a run of `finetune {kind}`")
    args = argparse.Namespace(kind=kind, config=run / NOTES, out=run)
    args = finetune_config.configured(args)
    finetune_options.check(args)
    return finetune_options.settled(args)


def parts(
    strata: Sequence[str], rows: Sequence[Line], folds: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(rows to learn from, rows to judge) of every fold, as indices; labels fall evenly."""
    groups = [normal_form(row.text) for row in rows]
    split = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a label with fewer rows than there are folds
        yield from split.split(np.zeros(len(rows)), list(strata), groups)
