"""The models' side of the suite: tiny models, their lexicon, and a real Triton that obeys."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import models as tiny
from worker.embedded.triton import EmbeddedTriton
from worker.lexicon.build import build

FAULTY = Path(__file__).with_name("faulty_model.py")
START_S = 60.0
TERMS = """[Shoes > Running]
running shoes = jogging shoes < shoes
sneakers = trainers < shoes
[Shoes]
shoes = footwear
boots = ankle boots < shoes
red shoes < shoes
blue boots < boots
[Orders]
order = purchase
my order = parcel < order
"""


def write(folder: Path) -> tuple[Path, Path]:
    """Tiny models and a lexicon of theirs: the two folders."""
    models, source, lexicon = folder / "models", folder / "terms", folder / "lexicon"
    tiny.build(models)
    source.mkdir()
    (source / "shop.txt").write_text(TERMS)
    build(source, models, lexicon)
    return models, lexicon


class Triton(EmbeddedTriton):
    """A real Triton whose models misbehave when they are told to."""

    def misbehave(self, word: str) -> None:
        """`slow SECONDS`, `nan`, `rows` or `shape`, from the next call on, in all models."""
        draft = self._work / "misbehave.new"
        draft.write_text(word)
        draft.rename(self._work / "misbehave")

    def behave(self) -> None:
        (self._work / "misbehave").unlink(missing_ok=True)

    def kill(self) -> None:
        """SIGKILL; it is started again."""
        os.kill(self.pid, signal.SIGKILL)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It takes connections and answers nothing; if for long, its watcher replaces it."""
        pid = self.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            if self.pid == pid:
                os.kill(pid, signal.SIGCONT)

    def _prepare(self) -> None:
        super()._prepare()
        for model in (self._work / "models").glob("*/*/model.py"):
            model.rename(model.with_name("sound.py"))
            shutil.copyfile(FAULTY, model)


@contextmanager
def running(models: Path) -> Iterator[Triton]:
    """A server of these model folders, in a thread of its own; stopped at the end."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="triton", daemon=True)
    thread.start()
    triton = Triton(models)
    try:
        asyncio.run_coroutine_threadsafe(triton.start(START_S), loop).result()
        yield triton
    finally:
        asyncio.run_coroutine_threadsafe(triton.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
