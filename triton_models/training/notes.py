"""run.json: what a run was, beside the checkpoint that it left."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
import transformers

from triton_models.settings import UsageError, foreign
from triton_models.training.folder import LOCK, alone
from triton_models.training.loop import RESUME
from triton_models.training.run_card import NOTES

PICTURE = "training.svg"


def require_own(out: Path) -> None:
    """Raises UsageError when a folder holds something else than a run that was begun."""
    if (out / NOTES).is_file():
        raise UsageError(f"{out}: holds a finished run; give --out another folder, or delete it")
    if foreign(out, NOTES, LOCK) and not list(out.glob(f"{Path(RESUME).stem}.*")):
        raise UsageError(f"{out}: holds something else; give --out another folder")


@contextmanager
def own(out: Path) -> Iterator[None]:
    """The folder of a run, kept from other processes; UsageError as `alone` and `require_own` have
    it: another process may have ended its run since the folder was looked at.
    """
    with alone(out):
        require_own(out)
        yield


def draw(out: Path, result: dict) -> None:
    """The loss and the figures of dev, as the run's record has them, as a picture beside it."""
    from triton_models.training import picture  # matplotlib is slow to import

    picture.draw(out / PICTURE, picture.training, result)


def strip(folder: Path) -> None:
    """Of a run leave its notes and its picture alone."""
    for file in folder.iterdir():
        if file.name not in (NOTES, PICTURE):
            shutil.rmtree(file) if file.is_dir() else file.unlink()


def write_dev(out: Path, files: Mapping[str, Sequence[dict]]) -> None:
    """Keep the dev side beside the checkpoint, so that what is made of it can be judged on it:
    rows by the name of their file.
    """
    for name, rows in files.items():
        if rows:
            lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            (out / name).write_text("".join(lines), encoding="utf-8")


def write(
    out: Path, kind: str, command: str, start: str, data: dict, result: dict, begun: float, **more
) -> int:
    """Write the notes of a run that began at `begun` (time.monotonic) and is done, and the picture
    of its training where `result` is of one; returns its seconds.
    """
    if "trace" in result:
        draw(out, result)
    seconds = round(time.monotonic() - begun)
    notes = {
        "command": command,
        "kind": kind,
        "start": start,
        **more,
        "data": data,
        "result": result,
        "seconds": seconds,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    (out / NOTES).write_text(json.dumps(notes, indent=2) + "\n")
    for file in (RESUME, LOCK):
        (out / file).unlink(missing_ok=True)  # now that all of the run is there
    return seconds
