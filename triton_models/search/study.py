"""`search`: hyperparameters of `finetune`, chosen by their figure of dev.

The folder holds optuna's study (study.db), a folder for each trial with its run.json, the
checkpoint of the best one, and the results. The same command goes on where one was cut off, in the
midst of a trial too. The data is read once, and trials run one after another in this process.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from triton_models.search import repeat, results
from triton_models.search import space as spaces
from triton_models.search.space import Space
from triton_models.settings import UsageError, foreign, usable
from triton_models.training import finetune, finetune_config, networks, notes
from triton_models.training.course import refuse
from triton_models.training.finetune import Job
from triton_models.training.folder import alone, resumable
from triton_models.training.run_card import NOTES

FILE = "study.db"
LOCK = "study.lock"
TRIALS = "trials"
BEST = "best.json"  # the run.json of the best trial
AT_RANDOM = 8  # trials that are drawn before the others' figures say where to look
NEVER_PRUNED = 4  # trials, the first ones, so that there is something to lag behind
FIRST_PRUNED = 2  # epoch: after the first, slow learning rates lag behind that win in the end


class OutOfTime(Exception):
    """The hours are over."""


@dataclass
class Search:
    """A study under way.

    Attributes:
        job: the training without anything chosen: data, options, recipe.
        end: when to stop, as time.monotonic tells; infinity for never.
    """

    study: optuna.Study
    job: Job
    space: Space
    end: float = math.inf

    @property
    def folder(self) -> Path:
        return self.job.args.out

    def run(self, trials: int) -> None:
        """Run what is left of so many trials.

        Raises OutOfTime at the first evaluation after the end; the trial is gone on with later.
        """
        while True:
            found = self.study.get_trials(deepcopy=False)
            running = [t for t in found if t.state == TrialState.RUNNING]
            done = [t for t in found if t.state.is_finished()]
            if len(done) >= trials and not running:
                return
            if time.monotonic() > self.end:
                raise OutOfTime
            self.study.sampler = sampler_of(self.job.args.seed + len(done))
            number = running[0]._trial_id if running else self.study.ask()._trial_id
            self.one(optuna.trial.Trial(self.study, number))
            gc.collect()  # a network and its optimizer may hold each other

    def one(self, trial: optuna.Trial) -> None:
        """Run a trial to its end, and note what came of it."""
        chosen = spaces.choose(trial, self.space)
        if same := self.same_as(trial.number, chosen):
            trial.set_user_attr("same_as", same.number)
            self.tell(trial, same.state, same.value)
            return
        out = self.folder / TRIALS / str(trial.number)
        print(f"trial {trial.number}: {results.told(chosen)}", flush=True)
        given = spaces.settings(self.job.args.how, chosen)
        try:
            result = repeat.again(self.job, out, watch=Watch(trial, self.end), **given)
        except optuna.TrialPruned:
            shutil.rmtree(out, ignore_errors=True)
            self.tell(trial, TrialState.PRUNED)
        except (UsageError, RuntimeError) as error:
            if not (out / NOTES).is_file():  # another run's folder is not to be lost
                shutil.rmtree(out, ignore_errors=True)
            trial.set_user_attr("error", str(error))
            self.tell(trial, TrialState.FAIL)
            if not self.completed():
                raise
        else:
            trial.set_user_attr("seconds", round(result["seconds"]))
            self.tell(trial, TrialState.COMPLETE, result["dev"][self.job.recipe.metric])
            self.keep_best()

    def same_as(self, number: int, chosen: dict[str, Any]) -> FrozenTrial | None:
        """An earlier trial with the same settings, whose figure stands for this one."""
        done = (TrialState.COMPLETE, TrialState.PRUNED)
        trials = self.study.get_trials(deepcopy=False, states=done)
        return next((t for t in trials if t.number < number and t.params == chosen), None)

    def tell(self, trial: optuna.Trial, state: TrialState, value: float | None = None) -> None:
        self.study.tell(trial, value if state == TrialState.COMPLETE else None, state=state)

    def completed(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))

    def keep_best(self) -> None:
        """Of the trials keep the notes, and of the best its checkpoint too."""
        best = results.best_of(self.study)
        for folder in (self.folder / TRIALS).iterdir():
            if folder.name != str(best.number) and (folder / NOTES).is_file():
                notes.strip(folder)
        shutil.copy(self.folder / TRIALS / str(best.number) / NOTES, self.folder / BEST)


@dataclass
class Watch:
    """Tells a trial each epoch's figure of dev, and stops it where it lags behind."""

    trial: optuna.Trial
    end: float

    def __call__(self, epoch: int, score: float) -> None:
        seen = self.trial.study.get_trials(deepcopy=False)[self.trial.number].intermediate_values
        if epoch not in seen:  # else a resumed trial tells it again
            self.trial.report(score, epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned
        if time.monotonic() > self.end:
            raise OutOfTime


@resumable
def run(args: argparse.Namespace, place: Path | None) -> str:
    """The command; `place` is the file that `--config` gave, which may name a space."""
    networks.quiet()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if foreign(args.out, LOCK):
        raise UsageError(f"{args.out}: exists and is no search; give --out another folder")
    end = time.monotonic() + 3600 * args.hours if args.hours else math.inf
    space = spaces.space_of(args, place)
    job = finetune.prepared(args)
    refuse((not job.material.dev, "search chooses by dev, and there is none: give more data"))
    with alone(args.out, LOCK):
        search = Search(opened(job, space), job, space, end)
        print(job.told(), flush=True)
        told = ""
        try:
            search.run(args.trials)
        except OutOfTime:
            told = "\nstopped by --hours; the same command goes on"
        finally:  # also where the user has seen enough
            if search.completed():
                told = results.write(search.study, job) + told
        return told.strip() or f"{args.out}: no trial is complete yet"


def opened(job: Job, space: Space) -> optuna.Study:
    """The study of a folder, or a new one.

    Raises UsageError for a study of another kind, with other options, data or space, or a file
    that is none.
    """
    file, kind = job.args.out / FILE, job.args.kind
    storage, elsewhere = f"sqlite:///{file}", "give --out another folder"
    with usable(file, elsewhere):
        others = set(optuna.get_all_study_names(storage)) - {kind}
        refuse((others, f"{file}: of a search of {', '.join(others)}; {elsewhere}"))
        study = optuna.create_study(
            study_name=kind,
            storage=storage,
            direction="maximize",
            pruner=pruner_of(job.args.pruner, job.recipe.schedule.epochs),
            load_if_exists=True,
        )
    identity = json.loads(json.dumps(identity_of(job, space)))
    found = study.user_attrs.get("identity")
    if found is None:
        study.set_user_attr("identity", identity)
        if first := spaces.begun_with(job.args, space):
            study.enqueue_trial(first)
    elif found != identity:
        raise UsageError(
            f"{file}: of a search with other {differing(found, identity)}; {elsewhere}"
        )
    return study


def differing(one: Mapping[str, dict], other: Mapping[str, dict]) -> str:
    """What two identities differ in, as "options (epochs)"."""
    told = []
    for part in other:
        mine, theirs = one.get(part, {}), other[part]
        names = [n for n in mine.keys() | theirs.keys() if mine.get(n) != theirs.get(n)]
        told += [f"{part} ({', '.join(sorted(names))})"] if names else []
    return " and ".join(told)


def identity_of(job: Job, space: Space) -> dict[str, Any]:
    """What all trials of a study have in common."""
    return {
        "options": finetune_config.told(job.args),
        "data": job.material.about(),
        "space": {n: a if isinstance(a, list) else a.model_dump() for n, a in space.items()},
    }


def sampler_of(seed: int) -> optuna.samplers.BaseSampler:
    """Chooses the next trial: the same one after the same trials, whether resumed or not."""
    return optuna.samplers.TPESampler(n_startup_trials=AT_RANDOM, seed=seed)


def pruner_of(name: str, epochs: int) -> optuna.pruners.BasePruner:
    if name == "hyperband":
        return optuna.pruners.HyperbandPruner(max_resource=epochs)
    if name == "none":
        return optuna.pruners.NopPruner()
    return optuna.pruners.MedianPruner(NEVER_PRUNED, n_warmup_steps=FIRST_PRUNED)
