"""Models exchanged under a running worker: no answer of another model is ever taken for ours."""

import asyncio
import json
import re
import shutil
import time
import urllib.request
from contextlib import asynccontextmanager, suppress

import onnx
import pytest

from tests.servers.models import batch, build
from tests.servers.triton import running as triton_running
from triton_models.contract import load, sha256
from worker.embedded.triton import EmbeddedTriton
from worker.errors import ModelUnavailable, Retry
from worker.inference.triton import TritonInference

LIMIT_S = 30.0


class Switch:
    """A TCP address whose other end can be exchanged; connections to the old one are cut."""

    def __init__(self, target):
        self.target, self.open = target, []

    async def forward(self, reader, writer):
        host, port = self.target.split(":")
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        self.open += [writer, far_writer]
        await asyncio.gather(self.pump(reader, far_writer), self.pump(far_reader, writer))

    async def pump(self, reader, writer):
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    def to(self, target):
        self.target, cut = target, self.open
        self.open = []
        for writer in cut:
            writer.transport.abort()

    @asynccontextmanager
    async def address(self):
        server = await asyncio.start_server(self.forward, "127.0.0.1", 0)
        try:
            yield "{}:{}".format(*server.sockets[0].getsockname())
        finally:
            self.to(self.target)
            server.close()


@asynccontextmanager
async def opened(url, contract):
    inference = TritonInference(url, [contract], 5)
    await inference.start()
    try:
        yield inference
    finally:
        await inference.stop()


async def answers_until(inference, contract, end):
    """Versions that answered, and what was told instead of an answer, until `end(last)`."""
    versions, told, deadline = [], [], time.monotonic() + LIMIT_S
    inputs, last = batch(contract, 2, 8), None
    while not (last is not None and end(last)):
        assert time.monotonic() < deadline, told[-3:]
        try:
            last = (await inference.infer(contract.name, inputs)).version
            versions.append(last)
        except Retry as error:
            last = error
            told.append(str(error))
    return versions, told


def another(error):
    return isinstance(error, ModelUnavailable) and "is another model" in str(error)


@pytest.fixture(scope="module")
def other_triton(tiny_triton, tmp_path_factory):
    """A server whose `intent` has the tiny one's names, shapes and version, and another file."""
    models = tmp_path_factory.mktemp("other")
    build(models)
    folder = models / "intent"
    model = onnx.load(folder / "model.onnx")
    model.doc_string = "another one"
    onnx.save(model, folder / "model.onnx")
    told = json.loads((folder / "model.json").read_text())
    told["onnx_sha256"] = sha256(folder / "model.onnx")
    (folder / "model.json").write_text(json.dumps(told))
    with triton_running(models) as server:
        yield server


@pytest.mark.parametrize("idle", [False, True])
def test_a_server_exchanged_between_two_calls(tiny_triton, tiny_models, other_triton, idle):
    """Same address, same version number; also when nothing was in flight that could fail."""
    contract = load(tiny_models / "intent")

    async def history():
        switch = Switch(tiny_triton.url)
        async with switch.address() as url, opened(url, contract) as inference:
            await answers_until(inference, contract, lambda last: last == "3")
            flying = (
                []
                if idle
                else [
                    asyncio.create_task(answers_until(inference, contract, another))
                    for _ in range(4)
                ]
            )
            await asyncio.sleep(0)
            switch.to(other_triton.url)
            versions, _ = await answers_until(inference, contract, another)
            assert versions == []
            await asyncio.gather(*flying)
            for _ in range(20):
                with pytest.raises(ModelUnavailable, match="onnx_sha256"):
                    await inference.infer("intent", batch(contract, 2, 8))
            switch.to(tiny_triton.url)
            await answers_until(inference, contract, lambda last: last == "3")

    asyncio.run(asyncio.wait_for(history(), LIMIT_S))


class Explicit(EmbeddedTriton):
    """A server that loads models when it is told to."""

    def _command(self):
        return [*super()._command(), "--model-control-mode=explicit", "--load-model=*"]

    def load(self, model, version, **changed):
        """Serve another version, with a configuration in which these parameters are changed."""
        folder = self._work / "models" / model
        old = max(int(item.name) for item in folder.iterdir() if item.name.isdigit())
        shutil.copytree(folder / str(old), folder / str(version))
        text = (folder / "config.pbtxt").read_text()
        text = text.replace(f"versions: [ {old} ]", f"versions: [ {version} ]")
        for key, value in changed.items():
            text = re.sub(
                rf'(key: "{key}"\s+value: \{{ string_value: ")\w+', rf"\g<1>{value}", text
            )
        (folder / "config.pbtxt").write_text(text)
        request = urllib.request.Request(
            f"{self.http_url}/v2/repository/models/{model}/load", data=b"{}", method="POST"
        )
        with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
            assert answer.status == 200


def test_versions_loaded_while_calls_are_under_way(tiny_triton, tiny_models):
    """Another build of the same model is taken over; another model under a new number is not."""
    contract = load(tiny_models / "intent")

    async def history():
        server = Explicit(tiny_models)
        await server.start(LIMIT_S)
        try:
            async with opened(server.grpc_url, contract) as inference:
                ends = [
                    asyncio.create_task(answers_until(inference, contract, another))
                    for _ in range(3)
                ]
                await answers_until(inference, contract, lambda last: last == "3")
                await asyncio.to_thread(server.load, "intent", 4)
                await answers_until(inference, contract, lambda last: last == "4")
                await asyncio.to_thread(server.load, "intent", 5, onnx_sha256="0" * 64)
                return [versions for versions, _ in await asyncio.gather(*ends)]
        finally:
            await server.stop()

    for versions in asyncio.run(asyncio.wait_for(history(), 2 * LIMIT_S)):
        assert versions[0] == "3" and versions[-1] == "4" and set(versions) == {"3", "4"}
