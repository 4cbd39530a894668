"""CARD.md of a model that `finetune` made: what run.json says, in a page."""

from __future__ import annotations

import json
from pathlib import Path

from triton_models.evaluation.report_text import table
from triton_models.kinds import KINDS
from triton_models.settings import UsageError

NOTES = "run.json"


def require_kind(checkpoint: Path, kind: str) -> None:
    """Raises UsageError for a run that trained another kind: the end of this one is untrained."""
    notes = checkpoint / NOTES
    try:
        trained = json.loads(notes.read_text(encoding="utf-8")).get("kind", kind)
    except (OSError, ValueError, AttributeError):
        return  # a checkpoint of another origin, or notes that `write` refuses
    if trained != kind and (trained != "pretrain" or KINDS[kind].labels or KINDS[kind].pair):
        remedy = "finetune it first" if trained == "pretrain" else f"give --kind {trained}"
        raise UsageError(f"{checkpoint}: a run of {trained}, not of {kind}; {remedy}")


def write(checkpoint: Path, folder: Path) -> bool:
    """Write the card of a model folder; False for a checkpoint that `finetune` did not make."""
    notes = checkpoint / NOTES
    if not notes.is_file():
        return False
    try:
        run = json.loads(notes.read_text(encoding="utf-8"))
        text = card(run)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(
            f"{notes}: not what finetune wrote; remove it to export as it is"
        ) from None
    (folder / "CARD.md").write_text(text, encoding="utf-8")
    return True


def card(run: dict) -> str:
    """The page."""
    sections = [
        f"# {run['kind']}, fine-tuned",
        "## How it was made\n\n"
        f"```\n{run['command']}\n```\n\nFrom `{run['start']}`, in {run['seconds']:,} s; torch"
        f" {run['torch']}, transformers {run['transformers']}.",
        "## What it saw\n\n" + seen(run["data"]),
        "## How well it does\n\n" + figures(run["result"]),
        "## Limits\n\nIt knows what its data shows. The figures are of the dev side of these data,"
        " before quantization; the best epoch was chosen by them, so they flatter a little.",
    ]
    return "\n\n".join(sections) + "\n"


def seen(data: dict) -> str:
    """The sources with their licences, counts and hashes."""
    listed = [f"{name}, licence {licence}" for name, licence in data.get("licences", {}).items()]
    listed += [f"`{Path(file).name}`" for file in data.get("files", ())]
    counts = [f"{name.replace('_', ' ')}: {value}" for name, value in data.items() if _told(value)]
    return "\n".join(f"- {line}" for line in listed + counts)


def _told(value: object) -> bool:
    return isinstance(value, str | int)


def figures(result: dict) -> str:
    """The figures of dev, with those of the start where they were taken."""
    found = result.get("dev", {}) | result.get("scope", {})
    if not found:
        return "Not measured: it was trained without a dev set."
    start = result.get("start", {})
    rows = [
        (name.replace("_", " "), f"{start[name]:.4f}" if name in start else "–", f"{value:.4f}")
        for name, value in found.items()
    ]
    return table(("figure of dev", "before", "after"), rows)
