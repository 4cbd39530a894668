"""A real Triton for a load test, in a thread of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import triton_models
from tests.servers.triton import hosted
from triton_models.contract import ModelContract, load_all
from worker.config.settings import STARTER_LEXICON
from worker.embedded.binary import available
from worker.embedded.triton import EmbeddedTriton
from worker.lexicon import built

HERE = Path(__file__).parent
STARTER_MODELS = Path(triton_models.__file__).parent / "starter"
START_S = 120.0
SIMILAR, NEIGHBOURS = 0.52, 14  # above understanding.min_similarity and max_candidates
INTENTS, SCORES = 4093, 1 << 20  # different answers of do-nothing models


@dataclass(frozen=True)
class Kind:
    """How the starter models' contract is served.

    Attributes:
        name: `starter`, `recording` (starter models that write down their rows) or `nothing`.
        instances: processes of each model.
        delay_s: how long a call takes, of `nothing`.
    """

    name: str
    instances: int
    delay_s: float = 0.0


STARTER = Kind("starter", 2)
RECORDING = Kind("recording", 1)
NOTHING = Kind("nothing", 1)
# As many as the calls that a worker keeps in flight, so that no call waits for another one.
SLOW = Kind("nothing", 8, 0.005)


class LoadTriton(EmbeddedTriton):
    """One Triton of some kind."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(STARTER_MODELS, kind.instances)
        self.kind = kind

    def rows(self, model: str) -> list[list[int]]:
        """The token ids of each row that a recording model was asked for; no health checks."""
        file = next((self._work / "models" / model).glob("*/rows.jsonl"))
        requests = map(json.loads, file.read_text().splitlines())
        return [row for request in requests for row in request if len(row) > 2]

    def _prepare(self) -> None:
        super()._prepare()
        for contract in load_all(STARTER_MODELS):
            folder = self._work / "models" / contract.name / str(contract.version)
            if self.kind.name == "recording":
                (folder / "model.py").rename(folder / "sound.py")
                shutil.copyfile(HERE / "recording.py", folder / "model.py")
            elif self.kind.name == "nothing":
                shutil.copyfile(HERE / "nothing.py", folder / "model.py")
                np.save(folder / "answers.npy", _answers(contract))
                if self.kind.delay_s:
                    (folder / "delay_s").write_text(str(self.kind.delay_s))


def _answers(contract: ModelContract) -> np.ndarray:
    """Possible answers of a do-nothing model, float32, shape [answers, sum of its outputs' sizes].

    Intents are probabilities that sum to one; the encoder's vectors are those of lexicon terms
    that have as many neighbours as a query may have candidates. They have little to do with the
    query, and a neighbour must name what it names, so most candidates are other names of its terms.
    Scores are distinct, from 0 to below 1. No kind answers the same to all, which the worker takes
    for a broken model.
    """
    random = np.random.default_rng(1)
    if contract.kind == "intent":
        sizes = contract.outputs.values()
        values = [random.dirichlet(np.full(size, 0.3) + 0.01, INTENTS) for size in sizes]
        if contract.tags:
            values.append(_tags(len(contract.tags.labels), random))
        return np.hstack(values).astype(np.float32)
    if contract.kind == "encoder":
        known = built.read(STARTER_LEXICON).vectors
        vectors = np.vstack([known.get(term) for term in range(len(known))])
        crowded = (vectors @ vectors.T >= SIMILAR).sum(axis=1) >= NEIGHBOURS
        return vectors[crowded]
    if contract.kind == "matching":
        return (np.arange(SCORES, dtype=np.float32) / SCORES)[:, None]
    if contract.kind == "tagging":
        return _tags(contract.dimension, random).astype(np.float32)
    raise ValueError(f"no do-nothing model of kind {contract.kind}: add one here")


def _tags(labels: int, random: np.random.Generator) -> np.ndarray:
    """Probabilities of a token; no tag is much likelier than another."""
    return random.dirichlet(np.full(labels, 1e4), INTENTS)


@contextmanager
def running(kind: Kind) -> Iterator[LoadTriton]:
    """A server of that kind, stopped at the end."""
    if reason := available():
        raise RuntimeError(f"the real Triton cannot run here: {reason}")
    with hosted(LoadTriton(kind), START_S) as triton:
        yield triton
