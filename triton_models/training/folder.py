"""The folder that is trained into: one process at a time, and what Ctrl-C leaves to go on from."""

from __future__ import annotations

import argparse
import fcntl
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from triton_models.settings import UsageError
from triton_models.training.loop import RESUME
from triton_models.training.run_card import NOTES

LOCK = "training.lock"  # in the run's folder, until it is done
KEPT = (RESUME, f"*/*/{RESUME}", f"*/*/{NOTES}")  # the second and third of trials, seeds and shares


class Interrupted(KeyboardInterrupt):
    """Ctrl-C amid a training; the text says where the same command begins."""


@contextmanager
def alone(folder: Path, name: str = LOCK) -> Iterator[None]:
    """Keeps other processes off a folder, which is made, by a lock on its file `name`. The system
    lets go of the lock when the process ends, however it does, so that nothing bars a resumption.

    Raises UsageError if another process is at it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            told = f"another process trains into {folder}; wait for it, or give another --out"
            raise UsageError(told) from None
        except OSError:  # a file system without locks
            pass
        yield


def resumable(run: Callable[..., str]) -> Callable[..., str]:
    """A command that trains into `args.out`; Ctrl-C raises Interrupted."""

    @functools.wraps(run)
    def wrapped(args: argparse.Namespace, *more: Any) -> str:
        try:
            return run(args, *more)
        except KeyboardInterrupt:
            raise Interrupted(after(args.out)) from None

    return wrapped


def after(out: Path) -> str:
    """What becomes of a run that was interrupted."""
    if any(file for pattern in KEPT for file in out.glob(pattern)):
        return "interrupted; the same command goes on where it was"
    return "interrupted before anything was kept; the same command begins again"
