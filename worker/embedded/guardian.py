"""Runs a command and cleans up after it, also when the parent process dies.

    python -I -S guardian.py SHM_PREFIX FOLDER COMMAND...

The parent holds the other end of stdin. When that closes (the parent exits, crashes or is killed
with SIGKILL), the command's whole process group is killed, its segments in /dev/shm are unlinked
and FOLDER is removed. Both may be empty. On SIGTERM, and when the command ends by itself, FOLDER
stays: the parent may start the command again.

A process of its own, because the kernel's parent-death signal is tied to the thread that forks and
is not inherited by the processes that Triton starts. Standard library only: it starts in 50 ms.
"""

import contextlib
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LOST_PARENT_POLL_S = 1.0  # a fork of the parent may hold the pipe open: poll the parent's pid too


def main(shm_prefix: str, folder: str, command: list[str]) -> int:
    parent = os.getppid()
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)  # so that orphans of the command are ours to reap
    child = None
    signal.signal(signal.SIGTERM, lambda *_: _kill_group(child.pid) if child else sys.exit(0))
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        process_group=0,
        preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL),
    )
    parted = threading.Event()
    threading.Thread(target=_watch, args=(parent, child.pid, parted), daemon=True).start()
    code = child.wait()
    _kill_group(child.pid)
    _reap()
    unlink_shared_memory(shm_prefix)
    if parted.is_set() and folder:
        shutil.rmtree(folder, ignore_errors=True)
    return code if code >= 0 else 128 - code


def _watch(parent: int, group: int, parted: threading.Event) -> None:
    while os.getppid() == parent and not select.select([0], [], [], LOST_PARENT_POLL_S)[0]:
        pass
    parted.set()
    _kill_group(group)


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()


def unlink_shared_memory(prefix: str) -> None:
    """Remove the segments in /dev/shm whose names start with `prefix`; none if it is empty."""
    for segment in Path("/dev/shm").glob(f"{prefix}*") if prefix else ():
        segment.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
