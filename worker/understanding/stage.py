"""A step that calls a model: tokenize, call in batches, split what is refused, or fall back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from time import monotonic

import numpy as np
from tokenizers import Encoding

from triton_models.contract import ModelContract
from worker.errors import ModelRejected, Reject, Retry
from worker.inference.port import Answer, Inference
from worker.metrics import Metrics
from worker.understanding.retry import Guard, OwnFault
from worker.understanding.tokenize import QueryTokenizer, TokenBatch


class Rows:
    """What a stage found for each of n inputs.

    Attributes:
        values: float32, shape [n, dimension]; rows without an answer are 0.
        versions: the model version behind each row; "" where there is none.
        rejected: row → why this input can never be answered.
    """

    def __init__(self, count: int, dimension: int) -> None:
        self.values = np.zeros((count, dimension), np.float32)
        self.versions = [""] * count
        self.rejected: dict[int, Reject] = {}

    def missing(self, row: int) -> bool:
        """Whether the model was away and the policy is to go on without it."""
        return not self.versions[row] and row not in self.rejected

    def replace(self, rows: Sequence[int], others: Rows) -> None:
        """Let `others` stand in the place of these rows, in order."""
        self.values[rows] = others.values
        for position, row in enumerate(rows):
            self.versions[row] = others.versions[position]
            self.rejected.pop(row, None)
            if position in others.rejected:
                self.rejected[row] = others.rejected[position]


class Stage:
    """One model, as the pipeline uses it."""

    def __init__(
        self,
        contract: ModelContract,
        inference: Inference,
        guard: Guard,
        metrics: Metrics,
    ) -> None:
        self.name = contract.name
        self.guard = guard
        self._contract = contract
        self._inference = inference
        self._tokenizer = QueryTokenizer(contract)
        self._calls = metrics.model_calls
        self._call_seconds = metrics.model_seconds.labels(self.name)
        self._call_rows = metrics.model_rows.labels(self.name)
        self._call_fill = metrics.model_fill.labels(self.name)
        self._tokenize_seconds = metrics.stage_seconds.labels("tokenize")
        self._seconds = metrics.stage_seconds.labels(self.name)

    async def run(self, texts: Sequence[str] | Sequence[tuple[str, str]]) -> Rows:
        """Answer every text (or pair); never raises for a model's sake."""
        found = Rows(len(texts), self._contract.dimension)
        if not texts:
            return found
        with self._tokenize_seconds.time():
            encodings = await asyncio.to_thread(self._tokenizer.encode, texts)
        with self._seconds.time():
            batches = self._tokenizer.batches(encodings, range(len(texts)))
            await asyncio.gather(*(self._answer(batch, encodings, found) for batch in batches))
        return found

    async def _answer(self, batch: TokenBatch, encodings: list[Encoding], found: Rows) -> None:
        several = len(batch.rows) > 1
        try:
            answer = await self.guard.call(partial(self._call, batch), divisible=several)
        except Retry as error:
            if self.guard.policy == "dead_letter":
                away = Reject(self.name, "model_unavailable", str(error))
                found.rejected.update(dict.fromkeys(batch.rows, away))
        except ModelRejected as error:
            if several:
                await self._split(batch, encodings, found)
            else:
                found.rejected[batch.rows[0]] = error
        except OwnFault:
            await self._split(batch, encodings, found)
        else:
            found.values[batch.rows] = answer.values
            for row in batch.rows:
                found.versions[row] = answer.version

    async def _split(self, batch: TokenBatch, encodings: list[Encoding], found: Rows) -> None:
        """Halve a batch, again and again until the inputs that are at fault stand alone."""
        middle = len(batch.rows) // 2
        for rows in (batch.rows[:middle], batch.rows[middle:]):
            for half in self._tokenizer.batches(encodings, rows):
                await self._answer(half, encodings, found)

    async def _call(self, batch: TokenBatch) -> Answer:
        started = monotonic()
        try:
            answer = await self._inference.infer(self.name, batch.inputs)
        except (Retry, ModelRejected) as error:
            self._calls.labels(self.name, type(error).__name__).inc()
            raise
        self._calls.labels(self.name, "ok").inc()
        self._call_seconds.observe(monotonic() - started)
        self._call_rows.observe(len(batch.rows))
        self._call_fill.observe(batch.fill)
        return answer
