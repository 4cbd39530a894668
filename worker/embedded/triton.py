"""The real Triton server on this machine's CPU: started, restarted when it ends, and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import logging
import os
import re
import shutil
import socket
import sys
import tempfile
import time
from pathlib import Path

from triton_models.serving import repository
from worker.embedded import binary, guardian
from worker.embedded.binary import available
from worker.errors import StartupError

__all__ = ["EmbeddedTriton", "available"]

log = logging.getLogger(__name__)

POLL_S = 0.02
WATCH_S = 1.0
STOP_S = 5.0
FIRST_DELAY_S, LONGEST_DELAY_S = 0.2, 30.0
SOUND_LIFE_S = 60.0  # a server that ran this long is restarted without back-off
LOG_TAIL = 2000  # characters
CHATTER = re.compile(r"[|+]|I\d{4} ")


class EmbeddedTriton:
    """A Triton server for the models of a folder of model folders.

    It listens on free loopback ports, which stay the same when it is restarted after a crash.
    No process or file of it is left after `stop`, or after the death of this process.

    Args:
        models: folder of model folders.
        instances: of each model; one thread each.
        work: folder for the repository and the log; default: a temporary one, removed at the end.

    Attributes:
        grpc_url, http_url, metrics_url: addresses, set by `start`.
        log_file: the server's log, set by `start`.
    """

    def __init__(self, models: Path, instances: int = 1, work: Path | None = None) -> None:
        self.models = models
        self.instances = instances
        self.grpc_url = self.http_url = self.metrics_url = ""
        self.log_file = Path()
        self._work = work and work.absolute()
        self._temporary = work is None
        self._sockets: list[socket.socket] = []
        self._ports: list[int] = []
        self._process: asyncio.subprocess.Process | None = None
        self._stubs: set[int] = set()  # processes of the models, one for each instance
        self._watcher: asyncio.Task[None] | None = None
        self._shm_prefix = f"query-worker-{os.getpid()}-{id(self):x}-"

    async def start(self, deadline_s: float) -> None:
        """Write the repository, start the server and wait until it is ready.

        Raises:
            StartupError: it cannot run here, or was not ready within `deadline_s` seconds.
            ModelFolderError: a model folder is broken.
        """
        if reason := available():
            raise StartupError(
                f'Triton cannot run embedded: {reason}; set inference.backend = "onnx"'
            )
        try:
            await asyncio.to_thread(self._prepare)
            await self._launch(deadline_s)
        except BaseException:
            await self.stop()
            raise
        self._watcher = asyncio.create_task(self._watch(deadline_s))

    async def stop(self) -> None:
        """Kill the server and remove its files; calls must have been drained before."""
        if self._watcher:
            self._watcher.cancel()
            await asyncio.wait([self._watcher])
        await self._end_process()
        for held in self._sockets:
            held.close()
        self._sockets.clear()
        if self._temporary and self._work:
            await asyncio.to_thread(shutil.rmtree, self._work, ignore_errors=True)

    @property
    def pid(self) -> int | None:
        """Process id of the server itself; None when it is not running."""
        if self._process is None or self._process.returncode is not None:
            return None
        return min(_children(self._process.pid), default=None)

    def _prepare(self) -> None:
        if self._temporary:
            self._work = Path(tempfile.mkdtemp(prefix="query-worker-triton-"))
        self._work.mkdir(parents=True, exist_ok=True)
        self.log_file = self._work / "triton.log"
        repository.write(self.models, self._work / "models", "python", self.instances)
        binary.lay_out_backends(binary.wheel(), self._work / "backends")
        self._sockets = [hold_port() for _ in range(3)]
        self._ports = [held.getsockname()[1] for held in self._sockets]
        self.grpc_url, self.http_url, self.metrics_url = (f"127.0.0.1:{p}" for p in self._ports)
        self.http_url = f"http://{self.http_url}"
        self.metrics_url = f"http://{self.metrics_url}/metrics"

    async def _launch(self, deadline_s: float) -> None:
        began = time.monotonic()
        with self.log_file.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self._command(),
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=binary.environment(binary.wheel()),
                start_new_session=True,
            )
        while not await asyncio.to_thread(_ready, self._ports[1]):
            late = time.monotonic() - began > deadline_s
            if late or self._process.returncode is not None:
                what = f"was not ready within {deadline_s:g} s" if late else "ended while starting"
                await self._end_process()
                raise StartupError(f"Triton {what}; the end of its log:\n{self._tail()}")
            await asyncio.sleep(POLL_S)
        self._stubs = _children(self.pid)
        log.info("Triton is ready at %s after %.1f s", self.grpc_url, time.monotonic() - began)

    def _command(self) -> list[str]:
        root, work = binary.wheel(), self._work
        grpc, http, metrics = self._ports
        removed = str(work) if self._temporary else ""
        return [
            sys.executable,
            *("-I", "-S", guardian.__file__, self._shm_prefix, removed),
            str(root / "bin" / "tritonserver"),
            f"--model-repository={work / 'models'}",
            f"--backend-directory={work / 'backends'}",
            f"--backend-config=python,shm-region-prefix-name={self._shm_prefix}",
            "--disable-auto-complete-config",
            "--grpc-address=127.0.0.1",
            f"--grpc-port={grpc}",
            "--http-address=127.0.0.1",
            f"--http-port={http}",
            "--metrics-address=127.0.0.1",
            f"--metrics-port={metrics}",
            "--allow-gpu-metrics=false",
            "--pinned-memory-pool-byte-size=0",
        ]

    async def _watch(self, deadline_s: float) -> None:
        """Restart the server whenever it fails, with back-off while it keeps failing."""
        delay = FIRST_DELAY_S
        while True:
            began = time.monotonic()
            reason = await self._failure() if self._process else "did not start"
            await self._end_process()
            if time.monotonic() - began > SOUND_LIFE_S:
                delay = FIRST_DELAY_S
            log.warning("Triton %s; starting it again in %.1f s", reason, delay)
            await asyncio.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY_S)
            try:
                await self._launch(deadline_s)
            except (StartupError, OSError) as error:
                log.warning("%s", error)

    async def _failure(self) -> str:
        """Wait until the server ends, or a model's process does, which Triton does not replace."""
        while True:
            try:
                code = await asyncio.wait_for(self._process.wait(), WATCH_S)
                return f"ended (exit code {code})"
            except TimeoutError:
                if lost := self._stubs - _children(self.pid):
                    return f"lost a model's process ({min(lost)})"

    async def _end_process(self) -> None:
        """Let the guardian kill the server and all processes that it started."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_S)
            except TimeoutError:
                process.kill()  # the server follows its guardian
                await process.wait()
        guardian.unlink_shared_memory(self._shm_prefix)

    def _tail(self) -> str:
        """The end of the log, without tables and lines of level info."""
        lines = self.log_file.read_text(errors="replace").splitlines()
        kept = [line for line in lines if line and not CHATTER.match(line)]
        return "\n".join(kept)[-LOG_TAIL:] or "(empty)"


def _children(pid: int | None) -> set[int]:
    """Process ids of the running children of a process; none when it has ended."""
    children: set[int] = set()
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            children |= {child for child in map(int, file.read_text().split()) if _runs(child)}
    return children


def _runs(pid: int) -> bool:
    """Whether a process runs; a zombie has no command line."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


def hold_port() -> socket.socket:
    """A free loopback port, reserved: bound but not listening, so that Triton can bind it too."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held


def _ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/v2/health/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
