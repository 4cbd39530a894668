"""The workers under test: real processes, each with its own way to Kafka and to Triton."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests import program
from tests.faults.clock import Clock
from tests.faults.proxy import Proxy

RESTART_S = 1.0  # after a worker ended by itself, as a platform would start it again
LOOK_S = 0.1
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)
MOVED = re.compile(r"(assigned|revoked|lost): partitions \[([\d, ]*)\]")


@dataclass
class Worker:
    """One place in the group; the process in it changes.

    Attributes:
        kafka, triton: the proxies that it goes by.
        clock: its wall clock, where that can be set.
        wanted: whether it should run; if it ends nevertheless, it did so by itself.
        exits: when (Unix time) it ended by itself or not as it should, and what it told last.
    """

    name: str
    kafka: Proxy
    triton: Proxy
    clock: Clock | None
    log: Path
    flags: list[str]
    wanted: bool = False
    exits: list[tuple[float, str]] = field(default_factory=list)
    peak_rss_mb: float = 0.0
    _popen: subprocess.Popen[bytes] | None = None
    _log_start: int = 0

    @property
    def running(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    def start(self) -> None:
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as output:
            self._popen = subprocess.Popen(
                program.command("run", *self.flags),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=program.environment() | (self.clock.environment if self.clock else {}),
                preexec_fn=_die_with_parent,
            )
        self.wanted = True

    def signal(self, number: signal.Signals) -> None:
        if self.running:
            self.measure()
            os.kill(self._popen.pid, number)

    def kill(self) -> None:
        """SIGKILL, until `start`."""
        self.wanted = False
        self.signal(signal.SIGKILL)
        self._popen.wait()

    def terminate(self, deadline_s: float) -> int | None:
        """SIGTERM, until `start`: its exit code; None when it had to be killed at the deadline."""
        self.wanted = False
        self.signal(signal.SIGTERM)
        try:
            return self._popen.wait(deadline_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def partitions(self) -> set[int]:
        """What it owns, as its log tells."""
        owned: set[int] = set()
        for kind, numbers in MOVED.findall(self.told()):
            changed = {int(n) for n in numbers.split(",") if n.strip()}
            owned = owned | changed if kind == "assigned" else owned - changed
        return owned if self.running else set()

    def told(self) -> str:
        """The log of the process that is in it now."""
        with self.log.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace")

    def failed(self, told: str) -> None:
        self.exits.append((time.time(), f"{self.name} {told}"))

    def measure(self) -> None:
        if self.running:
            self.peak_rss_mb = max(self.peak_rss_mb, _peak_rss_mb(self._popen.pid))

    def look(self) -> None:
        """Start it again if it ended by itself."""
        if not self.wanted or self.running:
            return
        last = (self.told().strip().splitlines() or ["(nothing)"])[-1]
        self.failed(f"ended by itself with {self._popen.returncode}: {last}")
        time.sleep(RESTART_S)
        if self.wanted:
            self.start()


class Group:
    """All workers of one run, and who starts again those that end by themselves.

    Attributes:
        spare: the last one; it is started only by a fault.
    """

    def __init__(self, everyone: list[Worker]) -> None:
        self.everyone = everyone
        *self.workers, self.spare = everyone
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self) -> None:
        for worker in self.workers:
            worker.start()
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        if self._thread.ident:
            self._thread.join()
        for worker in self.everyone:
            if worker.running:
                worker.kill()

    @property
    def exits(self) -> list[tuple[float, str]]:
        return sorted(one for worker in self.everyone for one in worker.exits)

    @property
    def peak_rss_mb(self) -> float:
        return max(worker.peak_rss_mb for worker in self.everyone)

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_S):
            for worker in self.everyone:
                worker.measure()
                worker.look()


def _peak_rss_mb(pid: int) -> float:
    """The most memory that a process ever held, MiB; 0 when it is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next(
        (int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("VmHWM")), 0.0
    )


def _die_with_parent() -> None:
    """No worker outlives the suite, however that ends: the threads that start one last as long."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
