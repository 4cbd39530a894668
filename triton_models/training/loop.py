"""The one training loop: shuffled batches of like length, AdamW, warm-up and decay.

Everything random is drawn from torch's generator or from the seed, so that a run that was cut
off and resumed ends with the weights of one that was not (on the same machine and threads).
"""

from __future__ import annotations

import math
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from rich.progress import Progress
from torch import Tensor, nn

from triton_models.settings import UsageError, usable
from triton_models.training.adapt import Adaptation, Adapted, adapt
from triton_models.training.adversary import Adversary, random_state, set_random_state
from triton_models.training.schedule import Schedule, batches

PRECISIONS = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}
RESUME = "resume.pt"  # in the run's folder, until it is done
TRACED = 60  # points of the loss that a run's record keeps, about
TELL_S = 60.0  # between two lines that say how far it is, where no terminal shows a bar

Judge = Callable[[], Mapping[str, float]]  # the figures of dev
Watch = Callable[[int, float], None]  # called with an epoch, from 1, and its figure


@dataclass
class History:
    """What came of a run, epoch by epoch.

    Attributes:
        losses: the mean loss of each epoch.
        scores: the figure after each that chooses the best, if there is a judge.
        judged: all that the judge found after each.
        metric: which of them `scores` are.
        steps: of the optimizer, up to the end of each.
        trace: (step, mean loss of the steps since the one before), as two lists.
        best: the epoch whose weights were kept, counted from 1; 0 without a judge.
        seconds: of all epochs, also of those before a run was cut off.
    """

    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    judged: list[dict[str, float]] = field(default_factory=list)
    metric: str = ""
    steps: list[int] = field(default_factory=list)
    trace: dict[str, list] = field(default_factory=lambda: {"step": [], "loss": []})
    best: int = 0
    seconds: float = field(default=0.0, compare=False)


class Renewed(Protocol):
    """Something that the loss uses, made anew from the network between epochs."""

    def before(self, epoch: int) -> None:
        """Called before each epoch, counted from 1; the network is in eval mode."""

    def state(self) -> Any:
        """What a resumed run needs of it."""

    def resume(self, state: Any) -> None: ...


@contextmanager
def flushed() -> Iterator[None]:
    """Tiny numbers are 0: AdamW's moments that fade away would slow it down."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def fit(
    network: nn.Module,
    lengths: Sequence[int],
    loss_of: Callable[[list[int]], Tensor],
    schedule: Schedule,
    say: Callable[[str], None] = print,
) -> list[float]:
    """Train all of a network in place; returns the mean loss of each epoch. See `learn`."""
    return learn(network, lengths, loss_of, schedule, say=say).losses


def learn(
    network: nn.Module,
    lengths: Sequence[int],
    loss_of: Callable[[list[int]], Tensor],
    schedule: Schedule,
    *,
    adaptation: Adaptation | None = None,
    judge: Judge | None = None,
    metric: str = "",
    watch: Watch | None = None,
    weights: Sequence[float] | None = None,
    renewed: Renewed | None = None,
    folder: Path | None = None,
    key: str = "",
    say: Callable[[str], None] = print,
) -> History:
    """Train in place; `loss_of` gives the loss of a batch of indices.

    `lengths` are the examples' lengths in characters. Before each epoch `renewed` may look at the
    network; after it `judge` tells how good it is, by its figure `metric` or its first: the best
    weights are kept. In `folder` each epoch leaves what is needed to go on, for the caller to
    remove when the checkpoint is written; `key` says which run it belongs to. `watch` is told of
    each epoch after that, also of those that a resumed run has behind it; what it raises ends the
    run.

    Raises UsageError for settings that do not fit, or a folder with the remains of another run.
    """
    rng = random.Random(schedule.seed)
    plan = [batches(lengths, schedule.batch_size, rng, weights) for _ in range(schedule.epochs)]
    steps = sum(map(len, plan))
    adaptation = adaptation or Adaptation(table_rate=schedule.table_rate)
    run = Run(network, adapt(network, adaptation, steps), loss_of, schedule, steps, renewed)
    file = folder / RESUME if folder else None
    if file and file.is_file():
        run.resume(file, key)
        say(f"going on after epoch {len(run.history.losses)}: {file}")
    for epoch, score in enumerate(run.history.scores if watch else (), 1):
        watch(epoch, score)
    with flushed(), Progress(disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task("training", total=steps, completed=run.step)
        tell = _progress(run, say) if bar.disable else lambda: None

        def advance() -> None:
            bar.advance(task)
            tell()

        for epoch, rows in enumerate(plan, 1):
            if epoch <= len(run.history.losses):
                continue
            if run.patient():
                say(run.epoch(rows, judge, advance, metric))
                if file:
                    run.save(file, key)
                if watch and judge:
                    watch(epoch, run.history.scores[-1])
    run.finish()
    return run.history


def _progress(run: Run, say: Callable[[str], None]) -> Callable[[], None]:
    """Called after each step, says now and then how far the run is."""
    begun = told = time.monotonic()
    first = run.step

    def tell() -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= TELL_S:
            told = now
            left = (now - begun) * (run.steps - run.step) / (run.step - first)
            say(f"step {run.step} of {run.steps}, about {left / 60:.0f} min left")

    return tell


class Run:
    """The state of one training run, which can be saved after any epoch."""

    def __init__(
        self,
        network: nn.Module,
        adapted: Adapted,
        loss_of: Callable[[list[int]], Tensor],
        schedule: Schedule,
        steps: int,
        renewed: Renewed | None = None,
    ) -> None:
        self.network, self.adapted, self.loss_of = network, adapted, loss_of
        self.renewed = renewed
        self.schedule, self.steps, self.step = schedule, steps, 0
        self.device = next(network.parameters()).device
        if schedule.precision == "fp16" and self.device.type != "cuda":
            raise UsageError("fp16 training needs a GPU: leave --precision at fp32")
        groups = adapted.groups(schedule.rate, schedule.weight_decay)
        self.optimizer = torch.optim.AdamW(groups, lr=schedule.rate, fused=True)
        self.rates = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: schedule.share_of_rate(step, steps)
        )
        self.scaler = torch.amp.GradScaler(enabled=schedule.precision == "fp16")
        size = schedule.adversarial
        self.adversary = Adversary(network, size) if size else None
        self.history, self.best = History(), None

    def patient(self) -> bool:
        """Whether to train on: judgements still rise now and then."""
        late = len(self.history.scores) - self.history.best
        return not self.schedule.patience or late < self.schedule.patience

    def epoch(
        self,
        rows: list[list[int]],
        judge: Judge | None,
        advance: Callable[[], None],
        metric: str = "",
    ) -> str:
        """One pass over the batches, and the judgement; returns the line that tells of it."""
        begun = time.monotonic()
        if self.renewed:
            self.network.eval()
            self.renewed.before(len(self.history.losses) + 1)
        self.network.train()
        found, traced = [], max(1, self.steps // TRACED)
        for row in rows:
            found.append(self.learn(row))
            if len(found) % traced == 0 or len(found) == len(rows):
                since = (len(found) - 1) // traced * traced
                self.trace(found[since:])
            advance()
        self.network.eval()
        losses, scores = self.history.losses, self.history.scores
        self.require_finite(found[-1])
        losses.append(sum(found) / len(found))
        self.history.steps.append(self.step)
        told = f"epoch {len(losses)}/{self.schedule.epochs}: loss {losses[-1]:.4f}"
        if judge:
            figures = dict(judge())
            self.history.judged.append(figures)
            self.history.metric = metric or next(iter(figures))
            scores.append(figures[self.history.metric])
            told += f", dev {scores[-1]:.4f}"
            if scores[-1] == max(scores) and scores.count(scores[-1]) == 1:
                self.history.best, self.best = len(scores), _copy(self.network)
                told += " (best)"
        self.history.seconds += round(time.monotonic() - begun, 1)
        return f"{told}, {self.history.seconds:.0f} s"

    def require_finite(self, loss: float) -> None:
        """Raises UsageError where the last loss, or a weight, is no number any more."""
        weights = (weight.isfinite().all() for weight in self.network.parameters())
        if not (math.isfinite(loss) and all(weights)):
            raise UsageError(
                f"the training diverged in epoch {len(self.history.losses) + 1}, its weights are"
                " no numbers any more: give a lower --rate or --head-rate"
            )

    def trace(self, found: list[float]) -> None:
        """Keep the mean of the last losses for the run's record."""
        self.history.trace["step"].append(self.step)
        self.history.trace["loss"].append(round(sum(found) / len(found), 5))

    def learn(self, row: list[int]) -> float:
        """One step of the optimizer; returns the loss."""
        self.adapted.before(self.step)
        size = -(-len(row) // self.schedule.parts)
        total = 0.0
        for start in range(0, len(row), size):
            part = row[start : start + size]
            total += self.backward(part, len(part) / len(row))
        self.scaler.unscale_(self.optimizer)
        if self.schedule.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.schedule.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.adapted.after(self.step)
        self.optimizer.zero_grad()
        self.rates.step()
        self.step += 1
        return total

    def backward(self, part: list[int], share: float) -> float:
        """Add the gradients of some examples, `share` of the batch; returns their loss."""
        drawn = random_state() if self.adversary else []
        loss = self.loss(part) * share
        self.scaler.scale(loss).backward()
        if self.adversary:
            with self.adversary.moved():
                set_random_state(drawn)  # the same dropout and misspellings again
                self.scaler.scale(self.loss(part) * share).backward()
        return loss.item()

    def loss(self, part: list[int]) -> Tensor:
        kind = PRECISIONS[self.schedule.precision]
        with torch.autocast(self.device.type, kind, enabled=kind is not None):
            return self.loss_of(part) + self.adapted.penalty()

    def finish(self) -> None:
        """Put the best weights back, and make the network ready to be saved."""
        if self.adversary:
            self.adversary.leave()
        if self.best:
            self.network.load_state_dict(self.best)
        self.adapted.finish()
        self.network.eval()

    def save(self, file: Path, key: str) -> None:
        """Write all that `resume` needs, in one step."""
        state = {
            "key": key,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "rates": self.rates.state_dict(),
            "scaler": self.scaler.state_dict(),
            "adapted": self.adapted.state(),
            "renewed": self.renewed.state() if self.renewed else None,
            "random": random_state(),
            "best": self.best,
            "history": vars(self.history),
            "step": self.step,
        }
        written = file.with_suffix(".new")
        torch.save(state, written)
        os.replace(written, file)

    def resume(self, file: Path, key: str) -> None:
        """Go on from what `save` wrote; UsageError if another run wrote it."""
        with usable(file, "delete it to begin anew"):
            state = torch.load(file, map_location=self.device, weights_only=True)
        if state["key"] != key:
            raise UsageError(
                f"{file}: left by a run with other settings or data; delete it to begin anew,"
                " or choose another --out"
            )
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.rates.load_state_dict(state["rates"])
        self.scaler.load_state_dict(state["scaler"])
        self.adapted.resume(state["adapted"])
        if self.renewed:
            self.renewed.resume(state["renewed"])
        self.history, self.best = History(**state["history"]), state["best"]
        self.step = state["step"]
        set_random_state([drawn.cpu() for drawn in state["random"]])


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in network.state_dict().items()}
