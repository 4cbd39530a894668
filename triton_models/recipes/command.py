"""`train` and `export` as commands: where the parts meet, and what a run leaves behind.

A run writes the checkpoint and, beside it, training.json: command, settings, results.
"""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path

import torch
import transformers

from triton_models import contract
from triton_models.evaluation import evaluate
from triton_models.recipes import baseline as linear
from triton_models.recipes import card, encoder, held_out, intent, matching
from triton_models.settings import LABELS
from triton_models.training import networks
from triton_models.training.checkpoints import minilm, require_checkpoint

MODULES = {"intent": intent, "matching": matching, "encoder": encoder}
NOTES = "training.json"


def run(
    kind: str, data: Path, out: Path, start: Path, teacher: Path | None, epochs: int | None
) -> str:
    """Train one model and note how; returns the line to print.

    Raises UsageError when the sets, the starting checkpoint or the teacher are not there.
    """
    networks.quiet()
    schedule = MODULES[kind].SCHEDULE
    if epochs:
        schedule = dataclasses.replace(schedule, epochs=epochs)
    source = teacher or minilm() if kind == "encoder" else start
    require_checkpoint(source)
    out.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    results = MODULES[kind].train(data, out, source, schedule)
    seconds = time.monotonic() - begun
    if kind == "intent":
        results["baseline"] = linear.report(data, teacher or minilm())
    given = "" if kind == "encoder" else f" --start {start}"
    notes = {
        "kind": kind,
        "version": 1,
        "command": f"python -m triton_models train {kind} --data DATA{given} --out {out}",
        "out": str(out),
        "settings": dataclasses.asdict(schedule),
        "seconds": round(seconds),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "threshold": results.get("threshold", 0.5),
        "results": results,
    }
    (out / NOTES).write_text(json.dumps(notes, indent=2) + "\n")
    return f"{out}: trained in {seconds:.0f} s, final loss {results['losses'][-1]:.4f}"


def baseline(data: Path, **dev: Path) -> evaluate.Report:
    """The figures of the linear head that the intent model has to beat."""
    return linear.report(data, minilm(), **dev)


def write_card(checkpoint: Path, kind: str, folder: Path, data: Path | None) -> None:
    """Evaluate an exported model and write its card.

    None for labels of your own: the figures would be of our dev set, which knows only ours.
    """
    if kind == "intent" and set(contract.load(folder).labels) != set(LABELS):
        return
    notes = checkpoint / NOTES
    trained = json.loads(notes.read_text()) if notes.is_file() else {}
    if kind == "encoder":
        report = evaluate.encoder(folder, data)
    else:
        report = {"intent": evaluate.intent, "matching": evaluate.matching}[kind](folder)
    if data and kind == "encoder":
        report["furniture"] = held_out.furniture(folder, data)
    if data and kind == "matching":
        report["exact"] = held_out.exact(folder, data)
    card.write(folder, kind, trained, report)
