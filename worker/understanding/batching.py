"""Rows of all that is understood at once → calls of one model, one length bucket each.

Rules:
- What is there is sent at once when no call is under way: waiting would only add latency.
- While calls are under way rows gather, until they fill a call or the oldest waited MAX_AGE_S.
- No more calls are under way, and none is larger, than `Limits` allows. One that has failed is not
  counted while it waits to be made again: one bad batch does not keep the others from the model.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np

from triton_models.contract import ModelContract
from worker.errors import ModelUnavailable, Reject
from worker.inference.port import Answer
from worker.understanding.limits import Limits
from worker.understanding.tokenize import ID, Row

MAX_AGE_S = 0.001


class Rows:
    """What a stage found for each of n inputs.

    Attributes:
        values: float32, shape [n, dimension]; rows without an answer are 0.
        versions: the model version behind each row; "" where there is none.
        rejected: row → why this input can never be answered.
        done: set when every row is answered, rejected or given up.
    """

    def __init__(self, count: int, dimension: int) -> None:
        self.values = np.zeros((count, dimension), np.float32)
        self.versions = [""] * count
        self.rejected: dict[int, Reject] = {}
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting = count
        self.settled(0)

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

    def settled(self, count: int) -> None:
        """So many more rows wait for nothing."""
        self._waiting -= count
        if not self._waiting and not self.done.done():
            self.done.set_result(None)


Place = tuple[Row, Rows, int]  # a row, for whom it is asked, and which of theirs it is


@dataclass(frozen=True, eq=False, slots=True)
class TokenBatch:
    """Rows that travel in one call.

    Attributes:
        length: tokens of each row, padding included.
    """

    places: list[Place]
    length: int
    lengths: np.ndarray = field(init=False)  # tokens of each row without padding, [batch]

    def __post_init__(self) -> None:
        lengths = np.array([len(ids) for (ids, _), _, _ in self.places]) // ID
        object.__setattr__(self, "lengths", lengths)

    def __len__(self) -> int:
        return len(self.places)

    @property
    def tokens(self) -> int:
        """With padding."""
        return len(self.places) * self.length

    @property
    def fill(self) -> float:
        """Tokens over padded tokens."""
        return float(self.lengths.sum()) / self.tokens

    @property
    def wanted(self) -> bool:
        return not all(found.done.done() for _, found, _ in self.places)

    def inputs(self, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Name → int64, shape [batch, length]."""
        made = {}
        for name in names:
            if name == "attention_mask":
                made[name] = (np.arange(self.length) < self.lengths[:, None]).astype(np.int64)
            else:
                made[name] = self._padded(1 if name == "token_type_ids" else 0)
        return made

    def _padded(self, part: int) -> np.ndarray:
        width = self.length * ID
        padded = b"".join([row[part].ljust(width, b"\0") for row, _, _ in self.places])
        return np.frombuffer(padded, np.int64).reshape(-1, self.length)

    def halves(self) -> tuple[TokenBatch, TokenBatch]:
        middle = len(self.places) // 2
        first, second = self.places[:middle], self.places[middle:]
        return TokenBatch(first, self.length), TokenBatch(second, self.length)

    def answered(self, answer: Answer) -> None:
        """Hand the answer's rows out to those who asked."""
        start = 0
        for found, places in groupby(self.places, key=itemgetter(1)):
            rows = [row for _, _, row in places]
            stop = start + len(rows)
            found.values[rows] = answer.values[start:stop]
            for row in rows:
                found.versions[row] = answer.version
            found.settled(len(rows))
            start = stop

    def given_up(self, rejection: Reject | None = None) -> None:
        """Leave the rows without an answer, rejected if there is a reason to."""
        for _, found, row in self.places:
            if rejection:
                found.rejected[row] = rejection
            found.settled(1)

    def failed(self, error: Exception) -> None:
        """Let those who asked see an error of our own code."""
        for _, found, _ in self.places:
            if not found.done.done():
                found.done.set_exception(error)


class Batcher:
    """The queue before one model; used from one event loop.

    Args:
        serve: settles every row of a batch, and calls `release` once it was tried.
    """

    def __init__(
        self,
        contract: ModelContract,
        limits: Limits,
        serve: Callable[[TokenBatch], Coroutine[Any, Any, None]],
    ) -> None:
        self._limits, self._serve, self._model = limits, serve, contract.name
        buckets = contract.length_buckets
        # Few lengths, so that Triton can batch requests together and TensorRT needs few profiles.
        self._bucket_of = [
            next(b for b in buckets if n <= b) for n in range(contract.max_length + 1)
        ]
        self._queues: dict[int, list[Place]] = {bucket: [] for bucket in buckets}
        self._since = dict.fromkeys(buckets, 0.0)  # when the oldest row of each came
        self._tried: set[TokenBatch] = set()  # for the first time, now
        self._tasks: dict[asyncio.Task[None], TokenBatch] = {}
        self._next: asyncio.Handle | None = None

    def add(self, rows: Sequence[Row], found: Rows) -> None:
        """Ask for `rows`; `found` gets their answers."""
        now = asyncio.get_running_loop().time()
        for position, row in enumerate(rows):
            bucket = self._bucket_of[len(row[0]) // ID]
            queue = self._queues[bucket]
            if not queue:
                self._since[bucket] = now
            queue.append((row, found, position))
        self._soon()

    def forget(self) -> None:
        """Somebody was cancelled: end the calls whose rows nobody waits for any more."""
        for task, batch in self._tasks.items():
            if not batch.wanted:
                task.cancel()

    def release(self, batch: TokenBatch) -> None:
        """The batch was tried: it was answered, or waits to be tried again."""
        if batch in self._tried:
            self._tried.remove(batch)
            self._soon()

    def _soon(self, delay_s: float = 0.0) -> None:
        """Look at the queue after all that runs now, or after a while."""
        loop = asyncio.get_running_loop()
        if self._next is not None:
            self._next.cancel()
        self._next = loop.call_later(delay_s, self._send) if delay_s else loop.call_soon(self._send)

    def _send(self) -> None:
        self._next = None
        idle, now = not self._tried, asyncio.get_running_loop().time()
        while len(self._tried) < int(self._limits.calls):
            ready = [b for b in self._queues if self._ready(b, idle, now)]
            if not ready:
                break
            self._dispatch(min(ready, key=self._since.__getitem__), now)
        waiting = [self._since[bucket] for bucket, queue in self._queues.items() if queue]
        if waiting and len(self._tried) < int(self._limits.calls):
            self._soon(max(min(waiting) + MAX_AGE_S - now, 1e-4))

    def _ready(self, bucket: int, idle: bool, now: float) -> bool:
        queue = self._queues[bucket]
        if not queue:
            return False
        old = now - self._since[bucket] >= MAX_AGE_S
        return idle or old or len(queue) >= self._limits.rows(bucket)

    def _dispatch(self, bucket: int, now: float) -> None:
        queue, rows = self._queues[bucket], self._limits.rows(bucket)
        places = [place for place in queue[:rows] if not place[1].done.done()]
        del queue[:rows]
        self._since[bucket] = now
        if not places:
            return
        self._tried.add(batch := TokenBatch(places, bucket))
        task = asyncio.create_task(self._watched(batch), name=f"call {self._model}")
        self._tasks[task] = batch
        task.add_done_callback(self._tasks.pop)

    async def _watched(self, batch: TokenBatch) -> None:
        try:
            await self._serve(batch)
        except Exception as error:
            batch.failed(error)
        except BaseException:  # cancelled: so are those who asked, or the loop ends
            batch.failed(ModelUnavailable("stopped"))
            raise
        finally:
            self.release(batch)
