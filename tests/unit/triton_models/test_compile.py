"""`compile` as far as it goes without a GPU: keys, profiles, errors, and what is built already."""

import ctypes
import dataclasses
import json
import shutil
import sys
from types import ModuleType

import numpy as np
import onnx
import onnxruntime
import pytest

from triton_models import contract
from triton_models.serving import compile as trt
from triton_models.serving import plan as plans
from triton_models.settings import STARTER, UsageError


@pytest.fixture(scope="module")
def model() -> contract.ModelContract:
    return contract.load(STARTER / "intent")


def test_a_profile_for_each_length_bucket_and_every_batch(model):
    shapes = [(p.smallest, p.usual, p.largest) for p in trt.profiles(model)]
    assert shapes == [((1, n), (128, n), (256, n)) for n in (8, 16, 32, 64)]


def test_key_holds_what_a_plan_is_bound_to(model):
    key = trt.plan_key(model, "10.15.1", "NVIDIA A10G", "fp16")
    assert key == f"intent-v{model.version}-trt10.15.1-nvidia-a10g-fp16-{model.onnx_sha256[:12]}"
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
        trt.strong(model, "fp16", tmp_path, tmp_path / "empty.txt")
    with pytest.raises(UsageError, match="none.txt: cannot be read"):
        trt.strong(model, "fp16", tmp_path, tmp_path / "none.txt")


def test_strong_types_are_asked_for_where_there_is_a_choice():
    ten, eleven = ModuleType("tensorrt"), ModuleType("tensorrt")
    ten.NetworkDefinitionCreationFlag = type("Flag", (), {"STRONGLY_TYPED": 1})
    eleven.NetworkDefinitionCreationFlag = type("Flag", (), {})
    assert trt.strongly_typed(ten) == 2
    assert trt.strongly_typed(eleven) == 0


class Engine:
    """What stands for TensorRT's: answers as an ONNX file does, those of the output `wrong` with
    the labels in the wrong order."""

    def __init__(self, file, wrong=""):
        self.session = onnxruntime.InferenceSession(str(file))
        self.wrong, self.asked = wrong, {}
        self.create_execution_context = lambda: self

    def set_optimization_profile_async(self, index, stream):
        self.profile = index

    def set_input_shape(self, name, shape):
        self.asked[name] = (shape, None)

    def set_tensor_address(self, name, place):
        shape = self.asked.get(name, (None,))[0]
        self.asked[name] = (shape, place)

    def execute_async_v3(self, stream):
        inputs = {}
        for name, (shape, place) in self.asked.items():
            if shape:
                assert shape[1] == (8, 16, 32, 64)[self.profile]
                values = (ctypes.c_int64 * (shape[0] * shape[1])).from_address(place)
                inputs[name] = np.ctypeslib.as_array(values).reshape(shape)
        for output in self.session.get_outputs():
            [found] = self.session.run([output.name], inputs)
            found = np.roll(found, int(output.name == self.wrong), axis=-1)
            ctypes.memmove(self.asked[output.name][1], found.ctypes.data, found.nbytes)
        return True


class Cudart:
    """The CUDA runtime with the processor's own memory."""

    def __init__(self):
        self.held = {}

    def cudaMalloc(self, handle, size):
        block = ctypes.create_string_buffer(size.value)
        handle._obj.value = ctypes.addressof(block)
        self.held[handle._obj.value] = block
        return 0

    def cudaFree(self, handle):
        del self.held[handle.value]
        return 0

    def cudaStreamCreate(self, handle):
        handle._obj.value = 1
        return 0

    def cudaMemcpy(self, to, source, size, way):
        ctypes.memmove(to, source, size.value)
        return 0

    cudaStreamDestroy = cudaStreamSynchronize = lambda self, stream: 0


@pytest.fixture
def tensorrt(monkeypatch, model):
    """A TensorRT that builds a plan of any graph, whose output `wrong` is."""
    fake, runtime = ModuleType("tensorrt"), Cudart()
    fake.__version__, fake.wrong = "10.15.1", ""
    fake.Logger = type("Logger", (), {"WARNING": 1, "__init__": lambda self, level: None})
    engine = lambda self, content: Engine(model.onnx, fake.wrong)  # noqa: E731
    fake.Runtime = lambda logger: type("R", (), {"deserialize_cuda_engine": engine})()
    monkeypatch.setattr(trt, "build", lambda *_: b"a plan")
    monkeypatch.setattr(trt, "typed", lambda plain, *_: onnx.load(plain))
    monkeypatch.setattr(trt, "gpu_name", lambda: "NVIDIA L4")
    monkeypatch.setattr(plans, "_library", lambda: runtime)
    monkeypatch.setitem(sys.modules, "tensorrt", fake)
    monkeypatch.setitem(sys.modules, "modelopt.onnx.autocast", ModuleType("autocast"))
    yield fake
    assert not runtime.held  # all memory was given back


def test_a_plan_counts_when_it_answers_as_float32_on_the_gpu(
    tensorrt, model, tmp_path, monkeypatch
):
    texts = tmp_path / "asked.txt"
    texts.write_text("".join(f"red shoes size {i}\nwhere is my order {i}\n" for i in range(30)))
    made, opened = onnxruntime.InferenceSession, []

    def counted(file, *given, **more):
        opened.append(str(file))
        return made(file, *given, **more)

    monkeypatch.setattr(onnxruntime, "InferenceSession", counted)
    plan, found = trt.compile_model(model, tmp_path / "plans", "fp16", texts)
    assert sum(name.endswith("fp32.onnx") for name in opened) == 1  # asked once for both checks
    assert plan.read_bytes() == b"a plan" and found.rows == 30
    assert str(found).startswith("equal labels 100.0%, sentiment 100.0%, tags 100.0%, largest")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("probabilities", r"equal labels \d?\d\.\d%, sentiment 100.0%, tags 100.0%"),
        ("sentiment_probabilities", r"equal labels 100.0%, sentiment \d?\d\.\d%, tags 100.0%"),
        ("tag_probabilities", r"equal labels 100.0%, sentiment 100.0%, tags \d?\d\.\d%"),
    ],
)
def test_a_plan_of_which_any_output_is_wrong_does_not_count(tensorrt, model, tmp_path, wrong, told):
    (tmp_path / "asked.txt").write_text("red shoes\nwhere is my order\nbroken zip\nbuy it\n" * 3)
    tensorrt.wrong = wrong
    with pytest.raises(RuntimeError, match=f"fp16 plan's answers are too far from .*{told}"):
        trt.compile_model(model, tmp_path / "plans", "fp16", tmp_path / "asked.txt")
    assert not list((tmp_path / "plans").rglob("*.plan"))


def test_a_plan_starts_from_the_weights_that_were_trained(model, tmp_path, capsys):
    folder = tmp_path / "intent"
    shutil.copytree(model.folder, folder)
    trt.float32(contract.load(folder), tmp_path / "rounded.onnx")
    told = capsys.readouterr().err
    assert "rounded weights, 7 bits, tables 8, the table of words 4; export your own" in told
    (folder / "float32.onnx").write_bytes(b"as trained")
    about = json.loads((folder / "model.json").read_text())
    about["float32_sha256"] = contract.sha256(folder / "float32.onnx")
    (folder / "model.json").write_text(json.dumps(about))
    trt.float32(contract.load(folder), tmp_path / "trained.onnx")
    assert (tmp_path / "trained.onnx").read_bytes() == b"as trained"
    assert capsys.readouterr().err == ""
    assert about["float32_sha256"][:12] in trt.plan_key(contract.load(folder), "10", "L4", "fp16")
    (folder / "float32.onnx").write_bytes(b"of another model")
    with pytest.raises(contract.ModelFolderError, match="float32.onnx: its sha256 is"):
        trt.float32(contract.load(folder), tmp_path / "other.onnx")
