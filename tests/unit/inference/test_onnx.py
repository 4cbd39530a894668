"""A model that ONNX Runtime cannot load is told in one line, with the file and the remedy."""

import asyncio

import pytest

from tests.servers.models import build
from worker.errors import ContractError
from worker.inference.onnx import OnnxInference


def test_a_broken_model_file(tmp_path):
    broken = build(tmp_path)[0]
    broken.onnx.write_bytes(b"not a model")

    async def test():
        inference = OnnxInference([broken], threads=1)
        with pytest.raises(ContractError) as caught:
            await inference.start()
        assert str(broken.onnx) in str(caught.value) and "export the model" in str(caught.value)
        assert "\n" not in str(caught.value)
        assert not await inference.ready()
        await inference.stop()

    asyncio.run(test())
