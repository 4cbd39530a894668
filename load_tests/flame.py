"""Flame graphs of the worker under load, by py-spy."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from load_tests.bench import Bench
from load_tests.subjects import Subject


def py_spy() -> str | None:
    """The program: beside this Python, or on the PATH."""
    beside = Path(sys.executable).with_name("py-spy")
    return str(beside) if beside.exists() else shutil.which("py-spy")


@contextmanager
def flame(bench: Bench, subject: Subject, name: str) -> Iterator[None]:
    """Write `<name>.svg`, all threads and child processes, where flame graphs are asked for."""
    if bench.flames is None:
        yield
        return
    bench.flames.mkdir(parents=True, exist_ok=True)
    command = [py_spy(), "record", "--subprocesses", "--rate", "200", "--duration", "3600"]
    command += ["--pid", str(subject.pid), "--output", str(bench.flames / f"{name}.svg")]
    recorder = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        yield
    finally:
        recorder.send_signal(signal.SIGINT)  # it then writes what it has
        _, error = recorder.communicate(timeout=60)
    if recorder.returncode:
        raise RuntimeError(f"py-spy failed: {error.decode(errors='replace')[-500:]}")
