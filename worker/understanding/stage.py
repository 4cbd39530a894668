"""A step that calls a model: in batches, split where they fail, or without it by its policy."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from triton_models.contract import ModelContract
from worker.errors import ModelRejected, ModelTimeout, Reject, Retry
from worker.inference.port import Answer, Inference
from worker.metrics import Metrics
from worker.understanding.batching import Batcher, StageAnswers, TokenBatch
from worker.understanding.limits import Limits
from worker.understanding.retry import ModelCaller, OwnFault
from worker.understanding.tokenize import ID, Row, Sequences, TextTokenizer
from worker.understanding.versions import Versions


class Stage:
    """One model, as the pipeline uses it.

    Args:
        max_calls: upper bound of the calls under way.

    Attributes:
        name: the model's, on the server; models of a kind differ in it.
        versions: those of the model that are served now.
        tokenizer: other models may share it.
        sequences: makes the rows that `answers` takes.
    """

    def __init__(
        self,
        contract: ModelContract,
        inference: Inference,
        caller: ModelCaller,
        tokenizer: TextTokenizer,
        metrics: Metrics,
        max_calls: int,
    ) -> None:
        self.kind, self.name, self.contract = contract.kind, contract.name, contract
        self.versions = Versions()
        self.caller = caller
        self.tokenizer, self.sequences = tokenizer, Sequences(contract, tokenizer)
        self._inference = inference
        self._limits = Limits(max_calls, contract.max_batch_size, contract.max_length)
        self._batcher = Batcher(contract, self._limits, self._serve)
        self._calls = metrics.model_calls
        self._call_ok = metrics.model_calls.labels(self.name, "ok")
        self._call_seconds = metrics.model_seconds.labels(self.name)
        self._call_rows = metrics.model_rows.labels(self.name)
        self._call_fill = metrics.model_fill.labels(self.name)
        self._seconds = metrics.stage_seconds.labels(self.kind)

    async def answers(self, rows: Sequence[Row]) -> StageAnswers:
        """The model's answer to each row; a failed call is in the answers, not raised."""
        contract = self.contract
        length, tags = None, ()
        if contract.spec.by_token or contract.tags:
            longest = max((len(ids) // ID for ids, _ in rows), default=1)
            length = longest if contract.spec.by_token else None
            tags = (longest, len(contract.tags.labels)) if contract.tags else ()
        found = StageAnswers(len(rows), sum(contract.outputs.values()), length, tags)
        with self._seconds.time():
            self._batcher.add(rows, found)
            try:
                await found.done
            except asyncio.CancelledError:
                self._batcher.forget()
                raise
        return found

    async def _serve(self, batch: TokenBatch) -> bool:
        """Settle every row of a batch; whether it went through as it is."""
        if len(batch) > self._limits.rows(batch.length):  # its like has meanwhile proved too large
            await self._split(batch)
            return False
        several = len(batch) > 1
        try:
            answer = await self.caller.call(partial(self._call, batch), divisible=several)
        except Retry as error:
            away = Reject(self.kind, "model_unavailable", str(error))
            batch.given_up(away if self.caller.policy == "dead_letter" else None)
        except ModelRejected as error:
            if several:
                await self._split(batch)
            else:
                batch.given_up(Reject(self.kind, error.reason, str(error)))
        except OwnFault:
            if await self._split(batch):  # no row of it is at fault
                self._limits.too_large(batch.tokens // 2, _now())
        else:
            batch.answered(answer)
            return True
        return False

    async def _split(self, batch: TokenBatch) -> bool:
        """Halve a batch, again and again until the inputs that are at fault stand alone.

        Returns whether both halves went through.
        """
        through = [await self._serve(half) for half in batch.halves()]
        return all(through)

    async def _call(self, batch: TokenBatch) -> Answer:
        began = _now()
        under_way = self._batcher.began(batch)
        try:
            inputs = batch.inputs(self.contract.inputs)
            answer = await self._inference.infer(self.name, inputs)
        except (Retry, ModelRejected) as error:
            self._calls.labels(self.name, type(error).__name__).inc()
            if isinstance(error, ModelTimeout):
                self._limits.timed_out()
            raise
        finally:
            self._batcher.ended(batch)
        now = _now()
        crowded = self._batcher.crowded
        self._limits.answered(batch.tokens, now - began, under_way, crowded, now)
        self._call_ok.inc()
        self._call_seconds.observe(now - began)
        self._call_rows.observe(len(batch))
        self._call_fill.observe(batch.fill)
        return answer


def _now() -> float:
    return asyncio.get_running_loop().time()
