"""`compile` as far as it goes without a GPU: keys, profiles, errors, and what is built already."""

import dataclasses
import sys
from types import ModuleType

import pytest

from triton_models import contract
from triton_models.serving import compile as trt
from triton_models.settings import STARTER, UsageError


@pytest.fixture(scope="module")
def model() -> contract.ModelContract:
    return contract.load(STARTER / "intent")


def test_a_profile_for_each_length_bucket_and_every_batch(model):
    shapes = [(p.smallest, p.usual, p.largest) for p in trt.profiles(model)]
    assert shapes == [((1, n), (128, n), (256, n)) for n in (8, 16, 32, 64)]


def test_key_holds_what_a_plan_is_bound_to(model):
    key = trt.plan_key(model, "10.15.1", "NVIDIA A10G", "fp16")
    assert key == f"intent-v1-trt10.15.1-nvidia-a10g-fp16-{model.onnx_sha256[:12]}"
    changed = dataclasses.replace(model, onnx_sha256="0" * 64)
    others = {
        trt.plan_key(model, "11.0.0", "NVIDIA A10G", "fp16"),
        trt.plan_key(model, "10.15.1", "NVIDIA L4", "fp16"),
        trt.plan_key(model, "10.15.1", "NVIDIA A10G", "int8"),
        trt.plan_key(changed, "10.15.1", "NVIDIA A10G", "fp16"),
    }
    assert len(others | {key}) == 5


@pytest.mark.skipif("tensorrt" in sys.modules, reason="TensorRT is here")
def test_without_tensorrt_one_line_says_where_to_run_it(model, tmp_path):
    with pytest.raises(UsageError, match="tensorrt is not installed.*NVIDIA") as fault:
        trt.compile_model(model, tmp_path)
    assert "\n" not in str(fault.value)
    assert not list(tmp_path.iterdir())


def test_without_a_gpu_one_line_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="no NVIDIA GPU is visible"):
        trt.gpu_name()


def test_a_plan_with_the_same_key_is_served_and_not_built_again(model, monkeypatch, tmp_path):
    tensorrt = ModuleType("tensorrt")
    tensorrt.__version__ = "10.15.1"
    monkeypatch.setitem(sys.modules, "tensorrt", tensorrt)
    monkeypatch.setattr(trt, "gpu_name", lambda: "NVIDIA L4")
    plan = tmp_path / "intent" / f"{trt.plan_key(model, '10.15.1', 'NVIDIA L4', 'fp16')}.plan"
    plan.parent.mkdir()
    plan.write_bytes(b"built before")
    assert trt.compile_model(model, tmp_path) == (plan, None)
    assert (tmp_path / "intent" / "model.plan").read_bytes() == b"built before"


def test_queries_that_are_not_there_are_told_before_anything_is_built(model, tmp_path):
    (tmp_path / "empty.txt").write_text("\n \n")
    with pytest.raises(UsageError, match="empty.txt: no query in it; name a file of queries"):
        trt.strong(model, "fp16", tmp_path / "empty.txt")
    with pytest.raises(UsageError, match="none.txt: cannot be read"):
        trt.strong(model, "fp16", tmp_path / "none.txt")


def test_strong_types_are_asked_for_where_there_is_a_choice():
    ten, eleven = ModuleType("tensorrt"), ModuleType("tensorrt")
    ten.NetworkDefinitionCreationFlag = type("Flag", (), {"STRONGLY_TYPED": 1})
    eleven.NetworkDefinitionCreationFlag = type("Flag", (), {})
    assert trt.strongly_typed(ten) == 2
    assert trt.strongly_typed(eleven) == 0
