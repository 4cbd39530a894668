"""Programs under load, each a process of its own: the worker and the reference loops."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from load_tests.observe import Offsets, metric

ROOT = Path(__file__).parents[1]
READY_S, STOP_S, LOG_TAIL = 60.0, 40.0, 3000


class Unsupported(RuntimeError):
    """This worker cannot do what the scenario is about; the message says what is missing."""


class Subject:
    """A program under load.

    Attributes:
        began: monotonic time of its start.
        output: its output topic; `offsets` are that topic's.
        dead_letters: its dead-letter topic; empty of a reference program.
    """

    def __init__(self, popen: subprocess.Popen[bytes], log: Path, url: str = "") -> None:
        self._popen, self._log, self._url = popen, log, url
        self.began = time.monotonic()
        self.output = self.dead_letters = ""
        self.offsets: Offsets

    def on(self, output: str, offsets: Offsets, dead_letters: str = "") -> Subject:
        self.output, self.offsets, self.dead_letters = output, offsets, dead_letters
        return self

    @property
    def pid(self) -> int:
        return self._popen.pid

    def metric(self, name: str, **labels: str) -> float:
        return metric(f"{self._url}/metrics", f"query_worker_{name}", **labels)

    def until_ready(self) -> None:
        """Wait until `/readyz` says so."""
        self.until(self._ready, READY_S, "be ready", pause_s=0.05)

    def until_out(self, count: int, limit_s: float) -> None:
        """Wait until so many records are in the output topic."""
        self.until(lambda: self.offsets.total() >= count, limit_s, f"put out {count:,} records")

    def until(
        self, condition: Callable[[], bool], limit_s: float, what: str, pause_s: float = 0.1
    ) -> None:
        """Poll.

        Raises:
            RuntimeError: the program ended, or took longer than `limit_s` seconds.
        """
        deadline = time.monotonic() + limit_s
        while not condition():
            if self._popen.poll() is not None:
                raise RuntimeError(f"ended with {self._popen.returncode}:\n{self._tail()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"did not {what} in {limit_s:g} s:\n{self._tail()}")
            time.sleep(pause_s)

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self._url}/readyz", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def _tail(self) -> str:
        return self._log.read_text(errors="replace")[-LOG_TAIL:]


@contextmanager
def worker(settings: Sequence[str], processes: int = 1) -> Iterator[Subject]:
    """`query-worker run` with these settings; stopped in good order at the end.

    Raises:
        Unsupported: more than one process, of a worker without `--processes`.
    """
    if processes > 1 and "--processes" not in _help():
        raise Unsupported("this worker's `run` has no --processes")
    port = _free_port()
    arguments = ["--processes", str(processes)] if processes > 1 else []
    for setting in [*settings, f"server.port={port}"]:
        arguments += ["--set", setting]
    with _started(["-m", "worker", "run", *arguments], f"http://127.0.0.1:{port}") as subject:
        yield subject


@contextmanager
def reference(
    name: str, bootstrap: str, topic: str, output: str, delivery: str
) -> Iterator[Subject]:
    """A reference program, `bare` or `splice`; stopped in good order at the end."""
    arguments = ["--bootstrap", bootstrap, "--input", topic, "--output", output]
    arguments += ["--group", output, "--delivery", delivery]
    with _started(["-m", f"load_tests.reference.{name}", *arguments]) as subject:
        yield subject


@contextmanager
def _started(command: Sequence[str], url: str = "") -> Iterator[Subject]:
    with tempfile.TemporaryDirectory(prefix="query-worker-load-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            popen = subprocess.Popen(
                [sys.executable, *command], stdout=output, stderr=output, env=environment()
            )
        try:
            yield Subject(popen, log, url)
        finally:
            popen.terminate()
            try:
                popen.wait(STOP_S)
            except subprocess.TimeoutExpired:
                popen.kill()
                popen.wait()


def environment() -> dict[str, str]:
    """This process's without settings of the worker, and with this source tree first."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("QUERY_WORKER_")}
    path = [str(ROOT), *filter(None, [kept.get("PYTHONPATH")])]
    return kept | {"PYTHONPATH": os.pathsep.join(path)}


@cache
def _help() -> str:
    command = [sys.executable, "-m", "worker", "run", "--help"]
    return subprocess.run(command, capture_output=True, text=True, env=environment()).stdout


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
