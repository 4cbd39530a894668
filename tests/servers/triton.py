"""A real Triton that fails as it is told, in a thread of its own."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from worker.embedded.triton import EmbeddedTriton
from worker.errors import StartupError

FAULTY = Path(__file__).with_name("faulty_model.py")
START_S = 60.0
Server = TypeVar("Server", bound=EmbeddedTriton)


class Triton(EmbeddedTriton):
    """One Triton under test, and what a test may do to it; started again whenever it ends."""

    _watcher: asyncio.Task[None] | None = None

    async def start(self, deadline_s: float) -> None:
        await super().start(deadline_s)
        self._watcher = asyncio.create_task(self._watch(deadline_s))

    async def stop(self) -> None:
        if self._watcher:
            self._watcher.cancel()
            await asyncio.wait([self._watcher])
        await super().stop()

    async def _watch(self, deadline_s: float) -> None:
        while True:
            if self._process:
                await self._process.wait()
                await self._end_process()
            await asyncio.sleep(0.2)
            with suppress(StartupError, OSError):
                await self._launch(deadline_s)

    @property
    def pid(self) -> int | None:
        """Process id of the server itself, which its guardian runs; None if it has ended."""
        if self._process is None or self._process.returncode is not None:
            return None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return min(map(int, children.read_text().split()), default=None)

    @property
    def url(self) -> str:
        """gRPC address."""
        return self.grpc_url

    def kill(self) -> None:
        """SIGKILL; it is started again."""
        os.kill(self.pid, signal.SIGKILL)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It takes connections and answers nothing."""
        pid = self.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            while not _stopped(pid):  # its threads stop one after the other
                time.sleep(0.001)
            yield
        finally:
            if self.pid == pid:
                os.kill(pid, signal.SIGCONT)

    def retrain(self, model: str) -> None:
        """Let the repository tell of another model, which is served from the next start on."""
        file = self._repository / model / "config.pbtxt"
        other, count = re.subn(
            r'(key: "onnx_sha256"\s+value: \{ string_value: ")\w{64}',
            r"\g<1>" + 64 * "0",
            file.read_text(),
        )
        assert count == 1, file.read_text()
        file.write_text(other)

    @contextmanager
    def hung(self, model: str) -> Iterator[None]:
        """The server stays well and says that it is ready, and this model never answers.

        Its process lives: one that is stopped, Triton 2.51 gives up or dies of, as it happens.
        """
        self.misbehave("hang", model)
        try:
            yield
        finally:
            self.behave(model)

    def misbehave(self, word: str, model: str = "") -> None:
        """From the next call on, one model or all do what the word says, see faulty_model.py."""
        draft = self._work / "misbehave.new"
        draft.write_text(word)
        draft.rename(self._repository / model / "misbehave")

    def behave(self, model: str = "") -> None:
        (self._repository / model / "misbehave").unlink(missing_ok=True)

    @property
    def _repository(self) -> Path:
        return self._work / "models"

    def _prepare(self) -> None:
        super()._prepare()
        for model in self._repository.glob("*/*/model.py"):
            model.rename(model.with_name("sound.py"))
            shutil.copyfile(FAULTY, model)


def _stopped(pid: int) -> bool:
    """Whether all threads of a process stand still."""
    stats = [file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)


@contextmanager
def running(models: Path, instances: int = 1) -> Iterator[Triton]:
    """A server of the model folders in `models`, stopped at the end."""
    with hosted(Triton(models, instances), START_S) as triton:
        yield triton


@contextmanager
def hosted(triton: Server, start_s: float) -> Iterator[Server]:
    """Start a server on an event loop of its own; stopped at the end."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="triton", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(triton.start(start_s), loop).result()
        yield triton
    finally:
        asyncio.run_coroutine_threadsafe(triton.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
