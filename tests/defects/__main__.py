"""Each deliberate defect must be caught by the tests: `python -m tests.defects` (`make defects`).

Applies them one by one to a copy of the tree and runs the tests that are named with each. Prints a
Markdown table; the exit code is 1 when a defect goes unseen.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from tests.defects import refusals, stream, understanding
from tests.defects.defect import Defect

ROOT = Path(__file__).resolve().parents[2]
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
DEFECTS = (*stream.DEFECTS, *refusals.DEFECTS, *understanding.DEFECTS)
TEST_FAILED, TIMEOUT_S = 1, 300


def spoiled(text: str, defect: Defect) -> str:
    """The file's text with the defect in it.

    Raises:
        ValueError: it no longer fits.
    """
    for found, put in defect.swaps:
        if text.count(found) != 1:
            where = f"{defect.file}, {text.count(found)} times: {found!r}"
            raise ValueError(f"{defect.name}: must stand exactly once in {where}")
        text = text.replace(found, put)
    return text


def copied(folder: Path) -> None:
    """The tree, as far as tests change it or find themselves by it."""
    skip = shutil.ignore_patterns("__pycache__", ".hypothesis")
    for path in ROOT.iterdir():
        if path.name in ("worker", "triton_models", "tests"):
            shutil.copytree(path, folder / path.name, ignore=skip)
        elif path.name[0] != ".":
            (folder / path.name).symlink_to(path)


def caught(folder: Path, tests: Iterable[str]) -> str | None:
    """The first test that fails; None if all pass.

    Raises:
        RuntimeError: they could not be run.
    """
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    ran = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S
    )
    if ran.returncode == 0:
        return None
    if ran.returncode != TEST_FAILED or not (found := FAILED.search(ran.stdout)):
        raise RuntimeError(ran.stdout[-2000:] + ran.stderr[-2000:])
    return found[1]


def tried(defect: Defect) -> tuple[str | None, float]:
    """The test that caught the defect, and after how many seconds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copied(folder)
        file = folder / defect.file
        file.write_text(spoiled(file.read_text(), defect))
        started = time.monotonic()
        return caught(folder, defect.tests), time.monotonic() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="a part of the names of those to try")
    chosen = [defect for defect in DEFECTS if parser.parse_args().only in defect.name]
    unseen = 0
    print("| defect | caught by | seconds |\n|---|---|---:|", flush=True)
    for defect in chosen:
        test, seconds = tried(defect)
        unseen += test is None
        shown = f"`{test.removeprefix('tests/')}`" if test else "**nothing**"
        print(f"| {defect.name} | {shown} | {seconds:.0f} |", flush=True)
    print(f"\n{len(chosen) - unseen} of {len(chosen)} caught")
    sys.exit(bool(unseen))


if __name__ == "__main__":
    main()
