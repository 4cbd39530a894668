"""The embedded Triton in a thread of its own, for tests that are not coroutines."""

from __future__ import annotations

import asyncio
import os
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
