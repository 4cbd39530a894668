"""`combine table`: size, speed and quality of classifiers, each in several precisions.

Everything is measured in one run, the clock going round all of them in turn, so that what else the
machine does falls on all alike.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import track
from tokenizers import Tokenizer

from triton_models.combination import members
from triton_models.combination.precisions import PRECISIONS, Batch
from triton_models.combination.view import markdown, short, show
from triton_models.data import named, texts
from triton_models.kinds import KINDS
from triton_models.serving import export
from triton_models.serving.served import ServedModel
from triton_models.settings import UsageError, foreign
from triton_models.text import encode
from triton_models.training import inputs, networks
from triton_models.training.ensemble import TINY

REPORT = "table.json"
ROUNDS = 40
CALIBRATED = 512  # texts that static int8 looks at, at most
MOVED = 200  # queries that are asked alone and in company
COMPANY = "and " * 60  # a neighbour so long that all are padded to the longest
TITLE = "Size, speed and quality"
NOTE = """\
MB is the size of the ONNX file, ms the processor time of a call with 1 query and with 32, the
median of {rounds} calls. *agreement* is the share of queries that get the same label as of the same
checkpoint in float32, *as first*, as of the first checkpoint in float32. *moves* is how far a
query's probability goes when another shares its call and its padding: the largest of {moved}
queries. {queries} queries of dev; static int8 looked at {calibrated} texts.
"""


@dataclass(frozen=True)
class Artefact:
    """One checkpoint in one precision, as it would be served."""

    name: str
    folder: Path
    model: ServedModel
    probabilities: np.ndarray  # of dev, in the order of the first checkpoint's labels


def run(args: argparse.Namespace) -> str:
    """The command; returns the line to print."""
    networks.quiet()
    if args.report and foreign(args.report, REPORT):
        raise UsageError(f"{args.report}: exists and is no table; choose another folder")
    kind, part = members.same_kind(args.runs), members.combining(args.runs)
    found = part.members(args.runs)
    dev = part.dev_of(named.places(args.queries, args.columns), found[0].labels)
    asked = inputs.asked(dev.texts)
    seen = (inputs.asked(texts.read(args.text)) if args.text else asked)[:CALIBRATED]
    with tempfile.TemporaryDirectory() as scratch:
        made = artefacts(kind, found, Path(scratch), asked, seen)
        quality = [part.figures(logits(one.probabilities), dev.wanted) for one in made]
        rows = measured(made, asked, quality)
    show(TITLE, rows)
    if not args.report:
        return f"{len(asked)} queries of dev"
    counts = {"rounds": ROUNDS, "moved": min(MOVED, len(asked))}
    note = NOTE.format(**counts, queries=len(asked), calibrated=len(seen))
    args.report.mkdir(parents=True, exist_ok=True)
    (args.report / REPORT).write_text(json.dumps(rows, indent=1) + "\n")
    (args.report / "table.md").write_text(markdown(TITLE, rows) + "\n" + note)
    return f"report: {args.report / 'table.md'}"


def artefacts(
    kind: str, found: Sequence[Any], scratch: Path, asked: Sequence[str], seen: Sequence[str]
) -> list[Artefact]:
    """Every checkpoint in every precision, written below `scratch`; `found` are the members of
    the kind's `combining`.
    """
    made = []
    names = short([member.folder for member in found])
    for number, member in enumerate(track(found, "writing", transient=True)):
        plain = scratch / f"{number}.onnx"
        with export.quietly():
            outputs = export.outputs_of(member.folder, kind)
            export.write_onnx(member.network.cpu(), kind, plain, outputs)
        batches = _batches(kind, member.tokenizer, seen)
        columns = [member.labels.index(label) for label in found[0].labels]
        for precision, change in PRECISIONS.items():
            folder = scratch / f"{number} {precision}"
            folder.mkdir()
            shutil.copy(plain, folder / "model.onnx")
            member.tokenizer.save(str(folder / "tokenizer.json"))
            with export.quietly():
                change(folder / "model.onnx", batches)
            model = ServedModel(folder)
            name = f"{names[number]}: {precision}" if len(found) > 1 else precision
            made.append(Artefact(name, folder, model, model.run(asked)[:, columns]))
    return made


def measured(
    made: Sequence[Artefact], asked: Sequence[str], figures: Sequence[dict[str, float]]
) -> dict[str, dict[str, float]]:
    """The table's rows; `figures` are of each on dev."""
    speeds = latencies(made, asked)
    rows, own, several = {}, made[0], len(made) > len(PRECISIONS)
    for artefact, (one, many), quality in zip(made, speeds, figures, strict=True):
        if artefact.name.endswith("float32"):
            own = artefact
        rows[artefact.name] = {
            "MB": (artefact.folder / "model.onnx").stat().st_size / 1e6,
            "ms x 1": one,
            "ms x 32": many,
            "accuracy": quality["accuracy"],
            "macro_f1": quality["macro_f1"],
            "agreement": agreement(artefact, own),
            **({"as_first": agreement(artefact, made[0])} if several else {}),
            "moves": moves(artefact.model, asked),
        }
    return rows


def latencies(made: Sequence[Artefact], asked: Sequence[str]) -> list[tuple[float, float]]:
    """Milliseconds of a call with one query and with 32, medians, each artefact in its turn.

    Of processor time: what else runs on the machine takes none of it.
    """
    lots = [asked[:1], [asked[i % len(asked)] for i in range(32)]]
    arrays = [[encode(a.model.tokenizer, lot) for lot in lots] for a in made]
    times = np.zeros((ROUNDS + 3, len(made), len(lots)))
    for turn in times:
        for i, artefact in enumerate(made):
            for j, given in enumerate(arrays[i]):
                begun = time.thread_time()
                artefact.model.infer(given)
                turn[i, j] = time.thread_time() - begun
    return [tuple(float(x) for x in row) for row in np.median(times[3:], axis=0) * 1000]


def moves(model: ServedModel, asked: Sequence[str]) -> float:
    """How far a probability goes, at most, when others share a query's call and its padding."""
    some = list(asked[:: -(-len(asked) // MOVED)])
    alone = np.concatenate([model.run([text]) for text in some])
    beside = [model.infer(encode(model.tokenizer, [text, COMPANY]))[:1] for text in some]
    return float(np.abs(np.concatenate(beside) - alone).max())


def agreement(one: Artefact, other: Artefact) -> float:
    """The share of queries that get the same label of both."""
    found = (a.probabilities.argmax(axis=1) for a in (one, other))
    return float(np.equal(*found).mean())


def logits(probabilities: np.ndarray) -> torch.Tensor:
    chances = torch.from_numpy(probabilities).float()
    return chances.clamp(min=TINY).log()


def _batches(kind: str, tokenizer: Tokenizer, seen: Sequence[str]) -> list[Batch]:
    """Texts as static int8 looks at them: short ones together, in buckets as they are served."""
    order = sorted(seen, key=len)
    parts = (order[start : start + 16] for start in range(0, len(order), 16))
    encoded = (encode(tokenizer, part) for part in parts)
    return [{name: arrays[name] for name in KINDS[kind].inputs} for arrays in encoded]
