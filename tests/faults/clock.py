"""A wall clock of its own for each worker, which a fault sets forward or back.

Setting the machine's own clock needs rights over the whole machine. Where there is no C compiler,
or no x86-64 Linux, there are no clocks to set, and the suite says so.
"""

from __future__ import annotations

import platform
import shutil
import struct
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).with_name("clock.c")


def unavailable() -> str | None:
    """Why clocks cannot be set here; None if they can."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return "its library is for Linux on x86-64"
    return None if shutil.which("cc") else "it needs a C compiler, `cc`"


def compile(folder: Path) -> Path:
    """The library that workers are started with."""
    library = folder / "clock.so"
    command = ["cc", "-O2", "-Wall", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl", "-lpthread"]
    subprocess.run(command, check=True)
    return library


class Clock:
    """The wall clock of one worker.

    Attributes:
        environment: variables that a process needs to live by it.
    """

    def __init__(self, library: Path, file: Path) -> None:
        self._file = file
        self._file.write_bytes(struct.pack("q", 0))
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_OFFSET": str(file)}

    def set(self, seconds: float) -> None:
        """So many seconds from the true time, from now on."""
        with self._file.open("r+b") as file:  # in place: it is mapped
            file.write(struct.pack("q", int(seconds * 1e9)))
