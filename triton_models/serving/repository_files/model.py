"""Triton's Python backend: ONNX Runtime on the `model.onnx` beside this file.

Tensors cross by DLPack: under NumPy 2 this backend's `as_numpy()` and `Tensor(name, array)` move
zeros or nothing, without an error.
"""

import ctypes
import json
import os
from pathlib import Path

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read once, when it is imported

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils
from onnxruntime.capi.onnxruntime_pybind11_state import InvalidArgument

USED = b"used_dltensor"
rename_capsule = ctypes.pythonapi.PyCapsule_SetName
rename_capsule.argtypes = [ctypes.py_object, ctypes.c_char_p]


class TritonPythonModel:
    def initialize(self, args):
        config = json.loads(args["model_config"])
        self.inputs = [item["name"] for item in config["input"]]
        self.outputs = [item["name"] for item in config["output"]]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # instances are the parallelism
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(
            str(Path(__file__).with_name("model.onnx")), options, ["CPUExecutionProvider"]
        )

    def execute(self, requests):
        """One run for all requests (Triton only joins those of equal length)."""
        batches = [self._tensors(request) for request in requests]
        try:
            return self._run(batches)
        except Exception:  # one of them is at fault: each gets its own answer
            return [self._run_alone(batch) for batch in batches]

    def _tensors(self, request):
        tensors = (pb_utils.get_input_tensor_by_name(request, name) for name in self.inputs)
        return [np.from_dlpack(tensor) for tensor in tensors]

    def _run(self, batches):
        joined = batches[0]
        if len(batches) > 1:
            joined = [np.concatenate(parts) for parts in zip(*batches, strict=True)]
        values = self.session.run(self.outputs, dict(zip(self.inputs, joined, strict=True)))
        ends = np.cumsum([len(batch[0]) for batch in batches])[:-1]
        parts = zip(*(np.split(value, ends) for value in values), strict=True)
        return [self._response(rows) for rows in parts]

    def _run_alone(self, batch):
        try:
            return self._run([batch])[0]
        except InvalidArgument as error:
            code = pb_utils.TritonError.INVALID_ARG
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(str(error), code))
        except Exception as error:
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(str(error)))

    def _response(self, outputs):
        tensors = []
        for name, rows in zip(self.outputs, outputs, strict=True):
            capsule = rows.__dlpack__()
            tensors.append(pb_utils.Tensor.from_dlpack(name, capsule))
            # Triton marks a consumed capsule with a name of its own, and NumPy would print an
            # error for each; this is the name that the DLPack protocol gives it.
            rename_capsule(capsule, USED)
        return pb_utils.InferenceResponse(tensors)
