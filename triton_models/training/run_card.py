"""CARD.md of an exported run: what run.json says, and the figures of the model that is served."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from triton_models.contract import load
from triton_models.evaluation.report_text import table
from triton_models.kinds import KINDS
from triton_models.settings import DEV, LANGUAGES, UsageError

NOTES = "run.json"
COLUMNS = ("before training", "checkpoint, float32", "as exported")
BESIDE = ("sentiment", "tags")  # further heads, as the record of a run has them
FITTED = ("temperature", "calibration_error_before")  # on all of dev, or before that
LISTED = 12  # labels of a table, at most
# Where the judgements by label are, what a label is called, and where its examples are counted.
TABLES = {
    "labels": ("label", "label_counts"),
    "sentiment": ("sentiment", "sentiment_counts"),
    "tags": ("tag", "tag_counts"),
}


def read(checkpoint: Path) -> dict:
    """What a run noted of itself; {} for a checkpoint of another origin, or notes that `write`
    refuses."""
    try:
        found = json.loads((checkpoint / NOTES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def require_kind(checkpoint: Path, kind: str) -> None:
    """Raises UsageError for a run that trained another kind: the end of this one is untrained."""
    trained = read(checkpoint).get("kind", kind)
    if trained != kind and (trained != "pretrain" or KINDS[kind].labels or KINDS[kind].pair):
        remedy = "finetune it first" if trained == "pretrain" else f"give --kind {trained}"
        raise UsageError(f"{checkpoint}: a run of {trained}, not of {kind}; {remedy}")


def language_of(checkpoint: Path) -> dict[str, Any]:
    """The `language` of a run's queries, English where its record says none, and the files of its
    `confusions`.
    """
    run = read(checkpoint)
    options = run.get("options")
    found = (options if isinstance(options, dict) else {}) | run
    language = found.get("language")
    return {
        "language": language if language in LANGUAGES else LANGUAGES[0],
        "confusions": found.get("confusions") or [],
    }


def write(checkpoint: Path, folder: Path) -> bool:
    """Write the card of a model folder; False for a checkpoint that `finetune` did not make."""
    notes = checkpoint / NOTES
    if not notes.is_file():
        return False
    try:
        run = json.loads(notes.read_text(encoding="utf-8"))
        text = card(run, measured(checkpoint, folder, run))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(
            f"{notes}: not what finetune wrote; remove it to export as it is"
        ) from None
    (folder / "CARD.md").write_text(text, encoding="utf-8")
    return True


def measured(checkpoint: Path, folder: Path, run: dict) -> dict:
    """The figures of a model folder on the dev side that the run left; {} where there is none."""
    dev, found = checkpoint / DEV, load(folder)
    if not dev.is_file() or found.kind != run["kind"]:
        return {}
    return found.spec.part("summary").measured(folder, dev, run)


def card(run: dict, served: dict) -> str:
    """The page; `served` is what the kind's `measured` says of the exported model."""
    sections = [
        f"# {run['kind']}, fine-tuned",
        "## How it was made\n\n"
        f"```\n{run['command']}\n```\n\nFrom `{run['start']}`, in {run['seconds']:,} s; torch"
        f" {run['torch']}, transformers {run['transformers']}.",
        "## What it saw\n\n" + seen(run["data"]),
        "## How well it does\n\n" + figures(run["result"], served),
        *by_label(run["data"], served),
        *by_seed(run["result"].get("seeds")),
        *by_hand(run["data"]),
        "## Limits\n\nIt knows what its data shows. The figures are of the dev side of these data;"
        " what is fitted there (temperature, threshold) is judged on other folds than it was fitted"
        " on. The best epoch was chosen on dev too, so the figures flatter a little.",
    ]
    return "\n\n".join(sections) + "\n"


def by_hand(data: dict) -> list[str]:
    """What the records cannot know: `notes.md` beside the manifest, Markdown with its own headings;
    [] without one."""
    manifest = data.get("manifest")
    notes = Path(manifest).with_name("notes.md") if manifest else None
    return [notes.read_text(encoding="utf-8").strip()] if notes and notes.is_file() else []


def seen(data: dict) -> str:
    """The sources with their licences, counts and hashes."""
    listed = [f"{name}, licence {licence}" for name, licence in data.get("licences", {}).items()]
    listed += [f"`{Path(file).name}`" for file in data.get("files", ())]
    counts = [f"{name.replace('_', ' ')}: {value}" for name, value in data.items() if _told(value)]
    return "\n".join(f"- {line}" for line in listed + counts)


def _told(value: object) -> bool:
    return isinstance(value, str | int)


def figures(result: dict, served: dict) -> str:
    """The figures of dev: of the start, of the checkpoint, and of the model that is served."""
    given = (result.get("start", {}), flat(result), flat(served))
    columns = {head: of for head, of in zip(COLUMNS, given, strict=True) if of}
    if not (given[1] or given[2]):
        return "Not measured: it was trained without a dev set."
    rows = [
        (name.replace("_", " "), *(shown(column.get(name)) for column in columns.values()))
        for name in dict.fromkeys([*given[2], *given[1]])
    ]
    return table(("figure of dev", *columns), rows)


def flat(result: dict) -> dict[str, float]:
    """The figures of a result by their names, those of further heads behind the head's."""
    found = result.get("dev", {}) | result.get("scope", {})
    for head in BESIDE:
        own = {n: x for n, x in result.get(head, {}).items() if isinstance(x, float)}
        found |= {f"{head} {name}": x for name, x in own.items() if name not in FITTED}
    return found


def by_label(data: dict, served: dict) -> list[str]:
    """What the model learned from and how well it does, by label, sentiment and tag; of many those
    with the lowest F1."""
    sections = []
    for place, (name, counted) in TABLES.items():
        of = served.get(place, {})
        judged, counts = of if place == "labels" else of.get("labels", {}), data.get(counted, {})
        if not (judged or counts):
            continue
        names = sorted(judged or counts, key=lambda one: judged.get(one, {}).get("f1", 0.0))
        more = f", {LISTED} of {len(names)} with the lowest F1" if len(names) > LISTED else ""
        names = names[:LISTED] if more else list(judged or counts)
        rows = [
            (
                one,
                f"{counts[one]:,}" if one in counts else "–",
                *(shown(judged.get(one, {}).get(x)) for x in ("precision", "recall", "f1")),
                judged.get(one, {}).get("count", "–"),
            )
            for one in names
        ]
        heads = (name, "learned from", "precision", "recall", "F1", "of dev")
        sections.append(f"### By {name}{more}\n\n{table(heads, rows)}")
    return sections


def by_seed(found: dict | None) -> list[str]:
    """How the figures of dev differ from seed to seed; [] of a run with one."""
    if not found:
        return []
    runs = found["runs"]
    heads = ("figure of dev", *(f"seed {seed}" for seed in runs), "mean (95 %)", "mean of weights")
    rows = [
        (
            name.replace("_", " "),
            *(shown(dev.get(name)) for dev in runs.values()),
            f"{of['mean']:.4f} ({of['low']:.4f} to {of['high']:.4f})",
            shown(found["average"].get(name)),
        )
        for name, of in found["spread"].items()
    ]
    told = f"{len(runs)} runs that differ in their seed alone; kept is the {found['kept']}."
    return [f"## How much of it is chance\n\n{told}\n\n{table(heads, rows)}"]


def shown(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, int | float) else "–"
