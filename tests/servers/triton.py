"""The embedded Triton in a thread of its own, for tests that are not coroutines."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from worker.embedded.triton import EmbeddedTriton

START_S = 60.0


class Server:
    """One Triton under test, and what a test may do to it.

    Attributes:
        url: gRPC address.
        models: the model folders that it serves.
    """

    def __init__(self, triton: EmbeddedTriton, models: Path) -> None:
        self.url = triton.grpc_url
        self.models = models
        self._triton = triton

    def kill(self) -> None:
        """SIGKILL; the embedded server comes back by itself."""
        os.kill(self._triton.pid, signal.SIGKILL)

    def retrain(self, model: str) -> None:
        """Let the repository tell of another model, which is served from the next start on."""
        file = self._triton._work / "models" / model / "config.pbtxt"
        other, count = re.subn(
            r'(key: "onnx_sha256"\s+value: \{ string_value: ")\w{64}',
            r"\g<1>" + 64 * "0",
            file.read_text(),
        )
        assert count == 1, file.read_text()
        file.write_text(other)

    @contextmanager
    def hung(self, model: str) -> Iterator[None]:
        """The server stays well and says that it is ready, and this model never answers."""
        folder = f"/models/{model}/".encode()
        children = Path(f"/proc/{self._triton.pid}/task").glob("*/children")
        pids = [pid for file in children for pid in file.read_text().split()]
        (pid,) = [p for p in pids if folder in Path(f"/proc/{p}/cmdline").read_bytes()]
        os.kill(int(pid), signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(int(pid), signal.SIGCONT)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """A server that takes connections and never answers."""
        pid = self._triton.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def running(models: Path, instances: int = 1) -> Iterator[Server]:
    """A server of the model folders in `models`, stopped at the end."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    triton = EmbeddedTriton(models, instances)
    try:
        asyncio.run_coroutine_threadsafe(triton.start(START_S), loop).result()
        yield Server(triton, models)
    finally:
        asyncio.run_coroutine_threadsafe(triton.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
