"""Triton's Python backend under test: the real model, that misbehaves at a word.

It stands in place of `model.py`, which lies beside it as `sound.py`. The word is in the file
`misbehave`, in the model's folder or, for all, in the repository's: `slow SECONDS`, `hang` (until
the file is gone), `nan`, `rows` (one too few) or `shape` (one column too many). Without that file
it is the real model.
"""

import importlib.util
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__)
WORDS = [HERE.parents[level] / "misbehave" for level in (1, 2)]

spec = importlib.util.spec_from_file_location("sound", HERE.with_name("sound.py"))
sound = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sound)

WRONG = {
    "nan": lambda rows: np.full_like(rows, np.nan),
    "rows": lambda rows: rows[:-1],
    "shape": lambda rows: np.ascontiguousarray(np.pad(rows, ((0, 0), (0, 1)))),
}


class TritonPythonModel(sound.TritonPythonModel):
    def execute(self, requests):
        self.word = _word()
        if self.word.startswith("slow "):
            time.sleep(float(self.word.removeprefix("slow ")))
        while self.word == "hang":
            time.sleep(0.02)
            self.word = _word()
        return super().execute(requests)

    def _response(self, rows):
        return super()._response(WRONG.get(self.word, lambda rows: rows)(rows))


def _word():
    for file in WORDS:
        try:
            return file.read_text()
        except FileNotFoundError:
            pass
    return ""
