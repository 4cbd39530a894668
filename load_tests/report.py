"""A run as JSON, Markdown and pictures."""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
from importlib import metadata
from pathlib import Path
from typing import Any

from load_tests import charts
from load_tests.bench import PARTITIONS, Bench
from load_tests.figures import Figure, Result, tidy
from tests.servers import kafka
from worker import __version__

PACKAGES = ("confluent-kafka", "orjson", "msgspec", "numpy", "onnxruntime", "tokenizers")
TRITON = "nvidia-pytriton"


def surroundings(bench: Bench) -> dict[str, Any]:
    """Where and with what a run was made."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="minutes"),
        "machine": {
            "cores": len(os.sched_getaffinity(0)),
            "processor": _processor(),
            "memory_gib": round(memory),
            "system": platform.platform(terse=True),
        },
        "load_average": round(os.getloadavg()[0], 1),
        "versions": {
            "worker": __version__,
            "python": platform.python_version(),
            "kafka": kafka.VERSION,
            **{name: metadata.version(name) for name in (*PACKAGES, TRITON)},
        },
        "settings": {
            "scale": bench.scale,
            "rounds": bench.rounds,
            "window_s": bench.window_s,
            "partitions": PARTITIONS,
        },
    }


def _processor() -> str:
    try:
        found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1] if found else platform.machine()


def as_dict(around: dict[str, Any], results: dict[str, Result], skipped: dict[str, str]) -> dict:
    """The run as JSON has it: the surroundings, every scenario, and why some were not run."""
    scenarios = {name: result.as_dict() for name, result in results.items()}
    return around | {"scenarios": scenarios, "skipped": skipped}


def write(
    folder: Path, around: dict[str, Any], results: dict[str, Result], skipped: dict[str, str]
) -> Path:
    """Write `<date>.json`, `<date>.md` and a picture for each chart; returns the Markdown file."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = around["date"][:10]
    run = as_dict(around, results, skipped)
    (folder / f"{stem}.json").write_text(json.dumps(run, indent=1, ensure_ascii=False) + "\n")
    pictures = {}
    for name, result in results.items():
        for chart in result.charts:
            file = folder / f"{stem}-{name}.svg"
            file.write_text(charts.svg(chart))
            pictures[name] = file.name
    page = folder / f"{stem}.md"
    page.write_text(markdown(around, results, skipped, pictures))
    return page


def markdown(
    around: dict[str, Any],
    results: dict[str, Result],
    skipped: dict[str, str],
    pictures: dict[str, str],
) -> str:
    machine, settings = around["machine"], around["settings"]
    versions = ", ".join(f"{name} {version}" for name, version in around["versions"].items())
    lines = [
        f"# Benchmarks of {around['date'][:10]}",
        "",
        f"{machine['cores']} cores ({machine['processor']}), {machine['memory_gib']} GiB, "
        f"{machine['system']}; broker, Triton and load on the same cores. Load average before: "
        f"{around['load_average']:g}. {versions}.",
        "",
        f"Scale {settings['scale']:g}, {settings['rounds']} rounds in turn, windows of "
        f"{settings['window_s']:g} s, {settings['partitions']} partitions. Medians; spread is from "
        "the least to the largest value of the rounds.",
    ]
    for name, result in results.items():
        lines += ["", f"## {result.title}", "", f"`python -m load_tests {name}`", ""]
        lines += ["| figure | median | spread | to reach |", "|---|---|---|---|"]
        lines += [_row(figure, item) for figure, item in result.figures.items()]
        lines += ["", *(f"- {note}" for note in result.notes)]
        if name in pictures:
            lines += ["", f"![{result.title}]({pictures[name]})"]
    if skipped:
        lines += ["", "## Not run", "", *(f"- `{name}`: {why}" for name, why in skipped.items())]
    return "\n".join(lines) + "\n"


def _row(name: str, figure: Figure) -> str:
    goal = ""
    if figure.target is not None:
        sign = "≥" if figure.better == "higher" else "≤"
        goal = f"{sign} {figure.target:g}: {'reached' if figure.reached else '**missed**'}"
    spread = f"{figure.spread:.0%}" if len(figure.values) > 1 else ""
    return f"| {name} | {shown(figure.median)} {figure.unit} | {spread} | {goal} |"


def shown(value: float) -> str:
    """A number as it is read: thousands apart, no more digits than were measured."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{tidy(value):g}"
