"""Readers of the public sets' files, and of what `evaluate --data` takes from them: a catalogue
with ratings, misspellings.

Every reader takes the folder that holds the sets, one folder each, and raises UsageError when a
file is missing.
"""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

from triton_models.settings import UsageError, usable

AGAIN = "fetch the public set again"


def open_file(data: Path, name: str) -> Path:
    """The path of a file of the data folder; UsageError when it is not there."""
    path = data / name
    if not path.is_file():
        raise UsageError(f"{path} not found: give --data the folder that holds the public sets")
    return path


def read_lines(data: Path, name: str) -> list[str]:
    return open_file(data, name).read_text(encoding="utf-8").splitlines()


def read_csv(data: Path, name: str, delimiter: str = ",") -> list[dict[str, str]]:
    path = open_file(data, name)
    with usable(path, AGAIN), path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def read_json(data: Path, name: str) -> Any:
    path = open_file(data, name)
    with usable(path, AGAIN):
        return json.loads(path.read_text(encoding="utf-8"))


def catalogue(data: Path) -> list[dict]:
    """The electronics catalogue: dictionaries with id, title, name, supplier and more."""
    path = open_file(data, "chorus_icecat/products.jsonl.gz")
    with usable(path, AGAIN), gzip.open(path, "rt") as lines:
        return [json.loads(line) for line in lines]


def misspellings(data: Path) -> dict[str, list[str]]:
    """Known misspellings of a word."""
    wrong: dict[str, list[str]] = {}
    for line in read_lines(data, "typos/words.csv"):
        typo, *corrections = line.split(",")
        if len(corrections) == 1:
            wrong.setdefault(corrections[0], []).append(typo)
    return wrong
