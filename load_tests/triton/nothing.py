"""Triton's Python backend: a model of the contract that computes next to nothing.

A row's answer is looked up by a hash of its token ids, so rows differ and the same row always has
the same answer, whatever its padding. `answers.npy` beside this file holds one answer a line, its
outputs beside each other, or the answer to each token; `delay_s`, if it is there, how long a call
takes.
"""

import ctypes
import json
import time
from pathlib import Path

import numpy as np
import triton_python_backend_utils as pb_utils

HERE = Path(__file__).parent
USED = b"used_dltensor"
rename_capsule = ctypes.pythonapi.PyCapsule_SetName
rename_capsule.argtypes = [ctypes.py_object, ctypes.c_char_p]


class TritonPythonModel:
    def initialize(self, args):
        config = json.loads(args["model_config"])
        self.outputs = [output["name"] for output in config["output"]]
        self.answers = np.load(HERE / "answers.npy")
        self.by_token = [len(output["dims"]) > 1 for output in config["output"]]
        widths = [int(output["dims"][-1]) for output in config["output"]]
        self.ends = np.cumsum(widths)[:-1]
        self.weights = np.random.default_rng(0).integers(1, 2**31, 1024)
        delay = HERE / "delay_s"
        self.delay_s = float(delay.read_text()) if delay.exists() else 0.0

    def execute(self, requests):
        if self.delay_s:
            time.sleep(self.delay_s)
        return [self._answer(request) for request in requests]

    def _answer(self, request):
        # Tensors cross by DLPack: under NumPy 2 `as_numpy` gives zeros, without an error.
        ids = np.from_dlpack(pb_utils.get_input_tensor_by_name(request, "input_ids"))
        rows = (ids @ self.weights[: ids.shape[1]]) % len(self.answers)  # padding is 0
        parts = [
            np.repeat(part[:, None], ids.shape[1], axis=1) if by_token else part
            for part, by_token in zip(
                np.split(self.answers[rows], self.ends, axis=-1), self.by_token, strict=True
            )
        ]
        return pb_utils.InferenceResponse([*map(self._tensor, self.outputs, parts)])

    def _tensor(self, name, values):
        capsule = np.ascontiguousarray(values).__dlpack__()
        tensor = pb_utils.Tensor.from_dlpack(name, capsule)
        rename_capsule(capsule, USED)  # else NumPy prints an error for each consumed capsule
        return tensor
