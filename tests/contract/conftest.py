"""One fixture: every implementation of the port in turn."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.subjects import IMPLEMENTATIONS, Subject
from tests.fakes import FakeInference, FakeServer
from triton_models.contract import load_all
from worker.inference.onnx import OnnxInference
from worker.inference.triton import TritonInference


@pytest.fixture(params=IMPLEMENTATIONS)
def subject(request: pytest.FixtureRequest, tiny_models: Path) -> Subject:
    contracts = {contract.name: contract for contract in load_all(tiny_models)}
    if request.param == "OnnxInference":
        return Subject(contracts, None, lambda c, timeout_s: OnnxInference(c, threads=2))
    if request.param == "TritonInference":
        server = request.getfixturevalue("tiny_triton")
        return Subject(contracts, server, lambda c, t: TritonInference(server.url, c, t))
    fake = FakeServer(list(contracts.values()))
    return Subject(contracts, fake, lambda c, t: FakeInference(fake, c, t))
