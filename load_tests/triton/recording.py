"""Triton's Python backend: the real model, which writes down the rows that it is asked for.

It stands in place of `model.py`, which lies beside it as `sound.py`. Rows go to `rows.jsonl` beside
this file, one request a line: the token ids of each row, without padding.
"""

import importlib.util
import json
from pathlib import Path

import numpy as np
import triton_python_backend_utils as pb_utils

HERE = Path(__file__)
spec = importlib.util.spec_from_file_location("sound", HERE.with_name("sound.py"))
sound = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sound)


class TritonPythonModel(sound.TritonPythonModel):
    def initialize(self, args):
        super().initialize(args)
        self.rows = HERE.with_name("rows.jsonl").open("a")

    def execute(self, requests):
        for request in requests:
            tensor = pb_utils.get_input_tensor_by_name(request, "input_ids")
            ids = np.from_dlpack(tensor)
            lines = [row[: np.count_nonzero(row)].tolist() for row in ids]
            self.rows.write(json.dumps(lines) + "\n")  # one write: instances append side by side
        self.rows.flush()
        return super().execute(requests)
