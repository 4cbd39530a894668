"""The real Triton server on this machine's CPU, from start to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shutil
import socket
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import aiohttp

from triton_models.serving import repository
from worker.embedded import binary, guardian
from worker.errors import StartupError

logger = logging.getLogger(__name__)

POLL_S = 0.02
STOP_S = 5.0
LOG_TAIL = 2000  # characters
PYTHON_BACKEND_DIED = "boost::interprocess::lock_exception"  # as of 2.51, on a busy machine
CHATTER = re.compile(r"[|+]|I\d{4} ")


class EmbeddedTriton:
    """A Triton server for the models of a folder of model folders.

    It listens on free loopback ports. No process or file of it is left after `stop`, or after the
    death of this process.

    Args:
        models: folder of model folders.
        instances: of each model; one thread each.

    Attributes:
        grpc_url, http_url: addresses, set by `start`.
    """

    def __init__(self, models: Path, instances: int = 1) -> None:
        self.models = models
        self.instances = instances
        self.grpc_url = self.http_url = ""
        self._work: Path | None = None  # the repository and the log
        self._sockets: list[socket.socket] = []
        self._process: asyncio.subprocess.Process | None = None
        self._shm_prefix = f"query-worker-{os.getpid()}-{id(self):x}-"

    async def start(self, deadline_s: float) -> None:
        """Write the repository, start the server and wait until it is ready.

        Raises:
            StartupError: it cannot run here, or was not ready within `deadline_s` seconds.
            ModelFolderError: a model folder is broken.
        """
        if reason := binary.available():
            raise StartupError(
                f'Triton cannot run embedded: {reason}; set inference.backend = "onnx"'
            )
        try:
            await asyncio.to_thread(self._prepare)
            try:
                await self._launch(deadline_s)
            except StartupError as error:
                if PYTHON_BACKEND_DIED not in str(error):
                    raise
                logger.warning("Triton's Python backend died while starting; it is started again")
                await self.stop()
                await asyncio.to_thread(self._prepare)
                await self._launch(deadline_s)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Kill the server and remove its files; calls must have been drained before."""
        await self._end_process()
        for held in self._sockets:
            held.close()
        self._sockets.clear()
        if self._work:
            await asyncio.to_thread(shutil.rmtree, self._work, ignore_errors=True)

    def _prepare(self) -> None:
        self._work = Path(tempfile.mkdtemp(prefix="query-worker-triton-"))
        repository.write(self.models, self._work / "models", "python", self.instances)
        binary.lay_out_backends(binary.wheel(), self._work / "backends")
        self._sockets = [hold_port() for _ in range(2)]
        self._ports = [held.getsockname()[1] for held in self._sockets]
        self.grpc_url = f"127.0.0.1:{self._ports[0]}"
        self.http_url = f"http://127.0.0.1:{self._ports[1]}"

    async def _launch(self, deadline_s: float) -> None:
        began = time.monotonic()
        with (self._work / "triton.log").open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self._command(),
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=binary.environment(binary.wheel()),
                start_new_session=True,
            )
        while not await self._ready():
            late = time.monotonic() - began > deadline_s
            if late or self._process.returncode is not None:
                what = f"was not ready within {deadline_s:g} s" if late else "ended while starting"
                await self._end_process()
                raise StartupError(f"Triton {what}; the end of its log:\n{self._tail()}")
            await asyncio.sleep(POLL_S)
        logger.info("Triton is ready at %s after %.1f s", self.grpc_url, time.monotonic() - began)

    def _command(self) -> list[str]:
        root, work = binary.wheel(), self._work
        grpc, http = self._ports
        return [
            sys.executable,
            *("-I", "-S", guardian.__file__, self._shm_prefix, str(work)),
            str(root / "bin" / "tritonserver"),
            f"--model-repository={work / 'models'}",
            f"--backend-directory={work / 'backends'}",
            f"--backend-config=python,shm-region-prefix-name={self._shm_prefix}",
            "--disable-auto-complete-config",
            "--grpc-address=127.0.0.1",
            f"--grpc-port={grpc}",
            "--http-address=127.0.0.1",
            f"--http-port={http}",
            "--allow-metrics=false",
            "--pinned-memory-pool-byte-size=0",
        ]

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

    async def _ready(self) -> bool:
        url, limit = f"{self.http_url}/v2/health/ready", aiohttp.ClientTimeout(1)
        with suppress(OSError, TimeoutError, aiohttp.ClientError):
            async with aiohttp.request("GET", url, timeout=limit) as response:
                return response.status == 200
        return False

    def _tail(self) -> str:
        """The end of the log, without tables and lines of level info."""
        lines = (self._work / "triton.log").read_text(errors="replace").splitlines()
        kept = [line for line in lines if line and not CHATTER.match(line)]
        return "\n".join(kept)[-LOG_TAIL:] or "(empty)"


def hold_port() -> socket.socket:
    """A free loopback port, reserved: bound but not listening, so that Triton can bind it too."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held
