"""The starter models answer alike through Triton and in process, and as their kind promises."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from triton_models.contract import load_all
from worker.config.settings import STARTER_MODELS
from worker.inference.onnx import OnnxInference
from worker.inference.triton import TritonInference


def inputs(contract, rows, length):
    """Ordinary token ids; each row a little shorter than the one before."""
    random = np.random.default_rng(length)
    mask = (np.arange(length) < np.maximum(3, length - np.arange(rows)[:, None])).astype(np.int64)
    ids = random.integers(5, 1000, (rows, length)) * mask
    tensors = {"input_ids": ids, "attention_mask": mask, "token_type_ids": mask * 0}
    return {name: tensors[name] for name in contract.inputs}


@pytest.mark.parametrize("name", ["intent", "encoder", "matching"])
def test_the_same_answers_both_ways(triton, name):
    contracts = load_all(STARTER_MODELS)
    contract = {c.name: c for c in contracts}[name]

    async def test() -> None:
        remote, local = TritonInference(triton.url, contracts, 30), OnnxInference(contracts, 1)
        await asyncio.gather(remote.start(), local.start())
        try:
            assert await remote.check(contracts) == await local.check(contracts) == []
            for rows, length in ((1, 8), (7, 16), (64, 32)):
                batch = inputs(contract, rows, length)
                over_the_wire = await remote.infer(name, batch)
                in_process = await local.infer(name, batch)
                np.testing.assert_allclose(over_the_wire.values, in_process.values, atol=1e-5)
                if contract.tags:
                    np.testing.assert_allclose(over_the_wire.tags, in_process.tags, atol=1e-5)
                assert over_the_wire.version == in_process.version == str(contract.version)
                promised(contract, in_process.values)
        finally:
            await asyncio.gather(remote.stop(), local.stop())

    asyncio.run(test())


def promised(contract, values):
    if contract.labels:
        ends = np.cumsum([*contract.outputs.values()])[:-1]
        for found in np.split(values, ends, axis=-1):
            np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-4)
    elif contract.kind == "encoder":
        np.testing.assert_allclose(np.linalg.norm(values, axis=1), 1, atol=1e-4)
    else:
        assert ((values >= 0) & (values <= 1)).all()
