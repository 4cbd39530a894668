"""What came of a search: a table (terminal, Markdown, CSV) and a picture."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState
from rich.console import Console
from rich.table import Table

from triton_models.evaluation.cells import NAMES, table
from triton_models.search import pictures
from triton_models.training.finetune import Job
from triton_models.training.picture import draw

PAGE, ROWS, PICTURE = "search.md", "trials.csv", "search.svg"
SHOWN = 10  # trials in the terminal
WEIGHED = 10  # trials from which on it can be told which options matter
WIDE = 160  # characters, where it is not a terminal that holds fewer
STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "stopped",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "cut off",
    TrialState.WAITING: "waiting",
}
NOTE = (
    "Chosen by {figure} of dev, {dev:,} rows; no test set was read. The best of many trials looks"
    " better on the dev set that chose it than it is: judge the model that is to be served on rows"
    " that the search has not seen."
)


def write(study: optuna.Study, job: Job) -> str:
    """Write page, rows and picture into the search's folder, and show the best; what to print."""
    out, figure = job.args.out, NAMES.get(job.recipe.metric, job.recipe.metric)
    trials, weights, dev = ranked(study), importance(study), job.material.about()["dev"]
    heads, lines = rows_of(trials, figure)
    with (out / ROWS).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([heads, *lines])
    draw(out / PICTURE, pictures.search, trials, figure, weights)
    told = [sentence(best_of(study), trials, figure), NOTE.format(figure=figure, dev=dev)]
    page = [f"# Search of {job.args.kind}", *told, mattered(weights), command(job)]
    page += [f"![search]({PICTURE})", table(heads, lines)]
    (out / PAGE).write_text("\n\n".join(part for part in page if part) + "\n", encoding="utf-8")
    show(heads, lines[:SHOWN])
    return "\n".join([*told, f"{out / PAGE}", again(job)])


def rows_of(trials: list[FrozenTrial], figure: str) -> tuple[tuple, list[tuple]]:
    """Heads and lines of the table of trials."""
    names = list(dict.fromkeys(name for trial in trials for name in trial.params))
    heads = ("trial", "state", figure, "epochs", "seconds", *(n.replace("_", " ") for n in names))
    chosen = ([shown(trial.params.get(name)) for name in names] for trial in trials)
    return heads, [(*about(t), *values) for t, values in zip(trials, chosen, strict=True)]


def best_of(study: optuna.Study) -> FrozenTrial:
    """The best complete trial; of equal ones the first, which has a folder."""
    return max(
        study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)),
        key=lambda trial: (trial.value, -trial.number),
    )


def ranked(study: optuna.Study) -> list[FrozenTrial]:
    """All trials, the best first; then those that were stopped, and so on."""
    order, lowest = list(STATES), float("-inf")

    def key(trial: FrozenTrial) -> tuple:
        value = trial.value if trial.state == TrialState.COMPLETE else last(trial)
        return order.index(trial.state), -(lowest if value is None else value), trial.number

    return sorted(study.get_trials(deepcopy=False), key=key)


def last(trial: FrozenTrial) -> float | None:
    """The best figure of dev that a trial has shown."""
    return max(trial.intermediate_values.values(), default=None)


def about(trial: FrozenTrial) -> tuple[str, ...]:
    """Number, state, figure, epochs and seconds of a trial."""
    value = trial.value if trial.state == TrialState.COMPLETE else last(trial)
    same = trial.user_attrs.get("same_as")
    state = STATES[trial.state] if same is None else f"as trial {same}"
    epochs = len(trial.intermediate_values)
    return (
        str(trial.number),
        state,
        "" if value is None else f"{value:.4f}",
        str(epochs or ""),
        str(trial.user_attrs.get("seconds", "")),
    )


def shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else "" if value is None else str(value)


def told(chosen: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {shown(v)}" for name, v in chosen.items())


def sentence(best: FrozenTrial, trials: list[FrozenTrial], figure: str) -> str:
    """The best trial, beside the first, which has the settings of the command line."""
    first = next((t for t in trials if t.system_attrs.get("fixed_params")), None)
    text = f"Trial {best.number} is the best: {figure} {best.value:.4f} ({told(best.params)})"
    if first and first.state == TrialState.COMPLETE:
        text += f"; the settings to begin with have {first.value:.4f}"
    return text + "."


def importance(study: optuna.Study) -> dict[str, float]:
    """The share of the figures' variance that each option explains, by fANOVA; {} of few trials."""
    values = [t.value for t in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))]
    if len(values) < WEIGHED or len(set(values)) == 1:
        return {}
    judge = optuna.importance.FanovaImportanceEvaluator(seed=0)
    return optuna.importance.get_param_importances(study, evaluator=judge)


def mattered(weights: Mapping[str, float]) -> str:
    parts = [f"{name.replace('_', ' ')} {weight:.0%}" for name, weight in weights.items()]
    return f"What the figures hang on (fANOVA): {', '.join(parts)}." if parts else ""


def again(job: Job) -> str:
    """The command that trains with the best settings once more."""
    words = ["python", "-m", "triton_models", "finetune", job.args.kind]
    return shlex.join([*words, "--config", str(job.args.out / "best.json"), "--out", "runs/best"])


def command(job: Job) -> str:
    return (
        "Its checkpoint is in its folder below `trials`; to train it again, as with `--seeds 3`:"
        f"\n\n```\n{again(job)}\n```"
    )


def show(heads: tuple[str, ...], lines: list[tuple[str, ...]]) -> None:
    """Print the first trials."""
    drawn = Table(box=None, padding=(0, 1, 0, 0))
    for head in heads:
        drawn.add_column(head, justify="right")
    for line in lines:
        drawn.add_row(*line)
    console = Console()
    (console if console.is_terminal else Console(width=WIDE)).print(drawn)
