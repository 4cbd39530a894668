"""Every background task: its error reaches the user, or it is logged and the task goes on."""

import asyncio
import inspect

import pytest

from tests.servers.certificates import Authority
from triton_models.contract import load
from worker.app import App
from worker.config.load import load_settings
from worker.config.settings import STARTER_MODELS
from worker.errors import Retry
from worker.inference.access import Access
from worker.inference.triton import TritonInference
from worker.tasks import guarded

AWAY = ("kafka.bootstrap_servers=127.0.0.1:9", "server.port=0", "inference.backend=onnx")


class Broken(Exception):
    pass


async def broken(*_) -> None:
    raise Broken


def app() -> App:
    return App(load_settings(None, {}, AWAY))


def run(worker: App) -> None:
    asyncio.run(asyncio.wait_for(worker.run(asyncio.Event()), 30))


def test_the_error_of_guarded_work_is_handed_on():
    errors = []

    async def work():
        await guarded(broken(), errors.append)

    asyncio.run(work())
    assert [type(error) for error in errors] == [Broken]


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_guarded_work_that_is_cancelled_before_its_first_step_is_closed():
    async def work():
        errors, unused = [], broken()
        task = guarded(unused, errors.append)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() and not errors
        assert inspect.getcoroutinestate(unused) == inspect.CORO_CLOSED

    asyncio.run(work())


def test_an_error_of_the_reloads_ends_the_worker_while_it_waits_for_kafka(monkeypatch):
    worker = app()
    monkeypatch.setattr(worker._reloads, "serve", broken)
    with pytest.raises(Broken):
        run(worker)


@pytest.mark.parametrize("task", ["_watch_models", "serve"])
def test_an_error_of_a_task_ends_a_running_worker(monkeypatch, task):
    worker = app()

    async def up() -> None:
        return None

    failed: list[BaseException] = []

    async def stream(stop: asyncio.Event) -> None:
        while not failed:
            await asyncio.sleep(0)
        raise failed[0]

    async def later() -> None:
        while worker._state != "running":
            await asyncio.sleep(0)
        raise Broken

    monkeypatch.setattr(worker, "_wait", up)
    monkeypatch.setattr(worker.runner, "run", stream)
    monkeypatch.setattr(worker.runner, "fail", failed.append)
    owner = worker if task == "_watch_models" else worker._reloads
    monkeypatch.setattr(owner, task, later)
    with pytest.raises(Broken):
        run(worker)


@pytest.fixture
def triton(tmp_path):
    """A client of a server that is away, with files of a certificate."""
    authority = Authority(tmp_path, "ca")
    pair = authority.issue("worker")
    access = Access(True, authority.file, pair.certificate, pair.key)
    contracts = [load(STARTER_MODELS / "intent")]
    return TritonInference("127.0.0.1:9", contracts, 0.05, access), pair, authority, contracts


def test_a_certificate_of_triton_in_the_midst_of_its_rotation_is_tried_again(triton, caplog):
    inference, pair, authority, contracts = triton
    newer = authority.issue("newer")

    async def test() -> None:
        await inference.start()
        first = inference._client
        for half in (newer.key.read_bytes(), b""):
            pair.key.write_bytes(half)
            with pytest.raises(Retry):  # the server is away, and nothing worse
                await inference.check(contracts)
            assert inference._client is first
        pair.key.write_bytes(newer.key.read_bytes())
        pair.certificate.write_bytes(newer.certificate.read_bytes())
        with pytest.raises(Retry):
            await inference.check(contracts)
        assert inference._client is not first
        await inference.stop()

    asyncio.run(test())
    assert "not read again" in caplog.text


def test_the_watch_of_the_connection_to_triton_is_begun_again(triton, monkeypatch, caplog):
    inference, *_, contracts = triton

    async def test() -> None:
        with monkeypatch.context() as patched:
            patched.setattr(inference, "_watch", broken)
            await inference.start()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert inference._watcher.done()
        with pytest.raises(Retry):
            await inference.check(contracts)
        assert not inference._watcher.done()
        await inference.stop()

    asyncio.run(test())
    assert "the watch of its connection failed: Broken" in caplog.text


def test_a_connection_to_triton_that_cannot_be_closed_is_logged(triton, monkeypatch, caplog):
    inference, pair, authority, _ = triton

    async def test() -> None:
        await inference.start()
        await asyncio.sleep(0)  # its watch begins
        monkeypatch.setattr(inference._client, "close", broken)
        newer = authority.issue("newer")
        pair.key.write_bytes(newer.key.read_bytes())
        pair.certificate.write_bytes(newer.certificate.read_bytes())
        inference._renew()
        await asyncio.sleep(0)  # all tasks begin
        await asyncio.gather(*inference._closing)
        await inference.stop()

    asyncio.run(test())
    assert "the old connection was not closed: Broken" in caplog.text


def test_the_end_of_the_http_thread_is_logged(monkeypatch, caplog):
    worker = app()
    monkeypatch.setattr(worker.http, "_serve", broken)
    worker.http.start()
    worker.http._thread.join(10)
    assert "no longer served" in caplog.text
