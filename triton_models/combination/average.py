"""`combine average`: the mean of the weights of several runs ("model soup", Wortsman et al. 2022).

It costs nothing to serve, unlike an ensemble. It helps where the runs began with the same weights,
as runs with other seeds or settings do; --queries tells whether it did.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from torch import nn

from triton_models.combination import members
from triton_models.combination.options import STEPS
from triton_models.combination.view import short, show
from triton_models.data import named
from triton_models.kinds import KINDS
from triton_models.settings import UsageError
from triton_models.training import networks, notes
from triton_models.training.run_card import language_of
from triton_models.training.vocabulary import bare_tokenizer

TRAINING = "training.json"  # where a matching model's threshold is kept


def run(args: argparse.Namespace) -> str:
    """The command; returns the line to print."""
    networks.quiet()
    notes.require_own(args.out)
    begun, runs = time.monotonic(), args.runs
    kind, part = members.same_kind(runs), members.combining(runs) if args.queries else None
    network = average(runs, kind)
    places = named.places(args.queries or (), args.columns)
    result = judged(part, network, runs, places) if part else {}
    args.out.mkdir(parents=True, exist_ok=True)
    networks.save(network, args.out)
    bare_tokenizer(runs[0]).save(str(args.out / "tokenizer.json"))
    keep_threshold(runs, args.out)
    command, options = STEPS["average"].command(args), STEPS["average"].options(args)
    data = {"files": args.queries or []}
    start, spoken = ", ".join(map(str, runs)), language_of(runs[0])
    notes.write(args.out, kind, command, start, data, result, begun, options=options, **spoken)
    return f"{args.out}: the mean of {len(runs)} runs"


def average(runs: Sequence[Path], kind: str) -> nn.Module:
    """The network whose weights are the means of those of the runs.

    Raises UsageError for runs of another shape, or with other labels or another vocabulary.
    """
    network = networks.load(runs[0], kind).eval()
    sums = {name: weight.double() for name, weight in network.state_dict().items()}
    for other in runs[1:]:
        require_alike(runs[0], other, kind)
        state = networks.load(other, kind).state_dict()
        if {n: w.shape for n, w in state.items()} != {n: w.shape for n, w in sums.items()}:
            raise UsageError(f"{other}: of another shape than {runs[0]}; give runs from one start")
        for name, weight in state.items():
            sums[name] += weight.double()
    means = {name: (total / len(runs)) for name, total in sums.items()}
    like = network.state_dict()
    network.load_state_dict({name: mean.to(like[name].dtype) for name, mean in means.items()})
    return network


def require_alike(first: Path, other: Path, kind: str) -> None:
    """Raises UsageError for runs whose weights mean different things."""
    differ = "; give runs from one start, on the same labels"
    if members.kind_of(other) != kind:
        raise UsageError(f"{other}: of kind {members.kind_of(other)}, {first} of {kind}{differ}")
    if KINDS[kind].labels and networks.labels(other) != networks.labels(first):
        raise UsageError(f"{other}: its labels are not those of {first}{differ}")
    one, two = (bare_tokenizer(folder).get_vocab() for folder in (first, other))
    if one != two:
        raise UsageError(f"{other}: its vocabulary is not that of {first}{differ}")


def judged(
    part: ModuleType, network: nn.Module, runs: Sequence[Path], places: Sequence[named.Given]
) -> dict:
    """Each run and the mean on dev, and the mean calibrated there; shown as a table."""
    found = part.members(runs)
    labels = found[0].labels
    dev = part.dev_of(places, labels)
    rows = {
        name: part.figures(member.says(dev.texts, labels), dev.wanted)
        for name, member in zip(short(runs), found, strict=True)
    }
    temperature, mean = part.calibrated(network, found[0].tokenizer, dev)
    rows["mean of the weights"] = mean
    show(f"{len(dev.texts)} queries of dev", rows)
    return {"temperature": temperature, "dev": mean, "runs": rows}


def keep_threshold(runs: Sequence[Path], out: Path) -> None:
    """A matching model's threshold: the mean of those of the runs."""
    files = [folder / TRAINING for folder in runs]
    noted = [json.loads(file.read_text()) for file in files if file.is_file()]
    found = [note["threshold"] for note in noted if "threshold" in note]
    (out / TRAINING).unlink(missing_ok=True)  # of another run that was here
    if len(found) == len(runs):
        kept = {"threshold": round(sum(found) / len(found), 4)}
        (out / TRAINING).write_text(json.dumps(kept) + "\n")
