"""A worker's wall clock can be set; its waits take as long as ever."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from tests.faults import clock
from tests.skips import skip_or_fail

CHILD = """
import sys, threading, time
for line in sys.stdin:
    began, wall = time.monotonic(), time.time()
    threading.Event().wait(0.2)
    print(wall, time.monotonic() - began, flush=True)
"""


def test_the_clock_of_one_process_is_set(tmp_path):
    if reason := clock.unavailable():
        skip_or_fail(f"clocks cannot be set: {reason}")
    own = clock.Clock(clock.compile(tmp_path), tmp_path / "offset")
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
        env=os.environ | own.environment,
    )
    with child:
        for offset in (0, 7200, -7200, 0):
            own.set(offset)
            child.stdin.write("look\n")
            wall, waited = map(float, child.stdout.readline().split())
            assert abs(wall - time.time() - offset) < 30
            assert 0.1 < waited < 30
        child.stdin.close()
