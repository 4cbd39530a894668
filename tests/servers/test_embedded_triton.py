"""The embedded Triton leaves nothing behind, and says why it cannot start."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.servers.models import build
from tests.skips import skip_or_fail
from triton_models.contract import sha256
from worker.embedded import binary
from worker.embedded.binary import available
from worker.embedded.triton import EmbeddedTriton
from worker.errors import StartupError

LIMIT_S = 30.0
PARENT = """
import asyncio, sys
from pathlib import Path
from worker.embedded.triton import EmbeddedTriton

async def main():
    await EmbeddedTriton(Path(sys.argv[1])).start(60)
    print("ready", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def _needs_triton():
    if reason := available():
        skip_or_fail(f"the real Triton cannot run here: {reason}")


@pytest.fixture
def parent(tiny_models: Path, tmp_path: Path):
    """A process that runs an embedded Triton, its temporary files in `tmp_path`."""
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tiny_models)],
        stdout=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def processes(parent: int) -> dict[int, str]:
    """Process id → command of all that an embedded Triton of `parent` runs, guardian included.

    Each has the parent's id in its command line: in the prefix of its shared memory.
    """
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if f"query-worker-{parent}-" in command:
            found[int(folder.name)] = command
    return found


def without(others: Iterable[int]) -> dict[int, str]:
    """What this process runs beside the servers that tests share."""
    return {pid: c for pid, c in processes(os.getpid()).items() if pid not in set(others)}


def segments(parent: int) -> list[Path]:
    return list(Path("/dev/shm").glob(f"query-worker-{parent}-*"))


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, f"not in {LIMIT_S} s: {what}"
        time.sleep(0.02)


def one(found: dict[int, str], part: str) -> int:
    return next(pid for pid, command in found.items() if part in command)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_nothing_is_left_when_the_parent_dies(parent, tmp_path, number):
    started = processes(parent.pid)
    assert len(started) == 5  # guardian, server, a stub for each of three models
    assert segments(parent.pid) and list(tmp_path.iterdir())
    parent.send_signal(number)
    parent.wait()
    until(lambda: not processes(parent.pid), "all processes end")
    assert not segments(parent.pid)
    assert not list(tmp_path.iterdir())


def test_nothing_of_it_survives_the_guardian(parent):
    """The server follows it."""
    before = processes(parent.pid)
    os.kill(one(before, "guardian.py"), signal.SIGKILL)
    until(lambda: not before.keys() & processes(parent.pid).keys(), "all processes end")


class Dying(EmbeddedTriton):
    """Its first servers end as Triton does when its Python backend dies on a busy machine."""

    def __init__(self, models: Path, deaths: int) -> None:
        super().__init__(models)
        self.deaths = deaths

    def _command(self) -> list[str]:
        self.deaths -= 1
        if self.deaths < 0:
            return super()._command()
        last_words = "what():  boost::interprocess::lock_exception"
        return [sys.executable, "-c", f"print({last_words!r}); exit(134)"]


def test_a_python_backend_that_dies_at_the_start_is_started_again_once(tiny_models):
    async def test(deaths: int) -> None:
        triton = Dying(tiny_models, deaths)
        await triton.start(LIMIT_S)
        await triton.stop()

    asyncio.run(test(1))
    with pytest.raises(StartupError, match="lock_exception"):
        asyncio.run(test(2))


def test_stop_leaves_nothing(tiny_models, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    async def test() -> None:
        others = processes(os.getpid()).keys()
        triton = EmbeddedTriton(tiny_models)
        await triton.start(LIMIT_S)
        assert len(without(others)) == 5
        await triton.stop()
        assert not without(others)

    asyncio.run(test())
    assert not list(tmp_path.iterdir())


def test_a_model_that_cannot_be_loaded_is_reported_with_the_log(tmp_path):
    build(tmp_path / "models")
    broken = tmp_path / "models" / "intent"
    (broken / "model.onnx").write_bytes(b"not a model")
    description = json.loads((broken / "model.json").read_text())
    description["onnx_sha256"] = sha256(broken / "model.onnx")
    (broken / "model.json").write_text(json.dumps(description))

    async def test() -> None:
        with pytest.raises(StartupError) as caught:
            await EmbeddedTriton(tmp_path / "models").start(LIMIT_S)
        assert "ended while starting" in str(caught.value)
        assert "failed to load 'intent'" in str(caught.value)
        assert "Protobuf parsing failed" in str(caught.value)

    asyncio.run(test())


def test_a_deadline_that_passes_is_reported(tiny_models):
    async def test() -> None:
        others = processes(os.getpid()).keys()
        triton = EmbeddedTriton(tiny_models)
        with pytest.raises(StartupError, match="was not ready within 0.01 s"):
            await triton.start(0.01)
        assert not processes(os.getpid()).keys() - others

    asyncio.run(test())


def test_where_it_cannot_run_it_says_what_to_do(tiny_models, monkeypatch):
    monkeypatch.setattr(binary.sys, "platform", "darwin")

    async def test() -> None:
        with pytest.raises(StartupError) as caught:
            await EmbeddedTriton(tiny_models).start(1)
        assert "Linux on x86-64" in str(caught.value)
        assert 'inference.backend = "onnx"' in str(caught.value)

    asyncio.run(test())
