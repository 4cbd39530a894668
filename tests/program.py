"""The program itself, as a user starts it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from worker.config.load import ENV_PREFIX
from worker.config.settings import Settings


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "worker", *arguments]


def run(
    *arguments: str, text: str | bytes = "", timeout_s: float = 120
) -> subprocess.CompletedProcess:
    """Run to the end; stdout and stderr as text."""
    data = text.encode() if isinstance(text, str) else text
    done = subprocess.run(
        command(*arguments), input=data, capture_output=True, timeout=timeout_s, env=environment()
    )
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    return done


def environment() -> dict[str, str]:
    """This process's, without settings of the worker that somebody may have made."""
    return {k: v for k, v in os.environ.items() if not k.startswith(ENV_PREFIX)}


def assignments(settings: Settings) -> list[str]:
    """The `--set` flags that differ from the defaults."""
    flags = []
    for part, value in settings:
        for key in getattr(value, "model_fields_set", ()):  # `languages` is no part but a table
            item = getattr(value, key)
            if not isinstance(item, dict):
                flags += ["--set", f"{part}.{key}={item}"]
    return flags


class Process:
    """A running `query-worker`, its stderr collected."""

    def __init__(self, popen: subprocess.Popen[str]) -> None:
        self.popen = popen
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def log(self) -> str:
        return "".join(self.lines)

    def says(self, text: str, deadline_s: float = 60.0, since: int = 0) -> None:
        """Wait for a text in the log, from line `since` on."""
        end = time.monotonic() + deadline_s
        while text not in "".join(self.lines[since:]):
            assert time.monotonic() < end and self.popen.poll() is None, (
                f"never said {text!r}; exit code {self.popen.poll()}, log:\n{self.log}"
            )
            time.sleep(0.02)

    def ended(self, deadline_s: float = 60.0) -> int:
        """Wait for its end; the exit code."""
        code = self.popen.wait(deadline_s)
        self._reader.join(5.0)
        return code

    def _read(self) -> None:
        for line in self.popen.stderr:
            self.lines.append(line)


@contextmanager
def started(*arguments: str) -> Iterator[Process]:
    """Start it; killed at the end if it still runs."""
    popen = subprocess.Popen(
        command(*arguments), stderr=subprocess.PIPE, text=True, env=environment()
    )
    process = Process(popen)
    try:
        yield process
    except Exception as error:
        error.add_note(f"the log of {' '.join(arguments[:1])} {popen.pid}:\n{process.log}")
        raise
    finally:
        if popen.poll() is None:
            popen.kill()
        popen.wait()
