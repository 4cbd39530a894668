"""Rows of all that is understood at once → calls of one model, one length bucket each.

Rules:
- What is there is sent at once when no call is under way: waiting would only add latency.
- While one is under way rows gather for half of a call's time, so that two calls take turns; while
  more are, for a whole one. A full call goes at once.
- No more calls are under way, and none is larger, than `Limits` allows. One that has failed is not
  counted while it waits to be made again: one bad batch does not keep the others from the model.
- Rows of different lengths that do not fill a call travel in one where padding costs little.
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
from worker.understanding.limits import FEW_CALLS, Limits
from worker.understanding.tokenize import ID, Row

MAX_AGE_S = 0.005  # of a row while fewer than FEW_CALLS are under way
MOST_PADDED = 1.5  # tokens of rows in one call over those of the rows apart


class StageAnswers:
    """What a stage found for each of n inputs.

    Attributes:
        values: float32, shape [n, dimension], or [n, length, dimension] of a model that answers
            by token, up to the longest of the inputs; what has no answer is 0.
        versions: the model version behind each row; "" where there is none.
        tags: of an intent model with tags: float32, shape [n, length, labels], with that length.
        rejected: row → why this input can never be answered.
        done: set when every row is answered, rejected or given up.
    """

    def __init__(
        self, count: int, dimension: int, length: int | None = None, tags: Sequence[int] = ()
    ) -> None:
        shape = (count, dimension) if length is None else (count, length, dimension)
        self.values = np.zeros(shape, np.float32)
        self.tags = np.zeros((count, *tags), np.float32) if tags else None
        self.versions = [""] * count
        self.rejected: dict[int, Reject] = {}
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting = count
        self.settled(0)

    def missing(self, row: int) -> bool:
        """Whether the model was away and the policy is to go on without it."""
        return not self.versions[row] and row not in self.rejected

    def replace(self, rows: Sequence[int], others: StageAnswers) -> None:
        """Let `others` stand in the place of these rows, in order."""
        self.values[rows] = others.values
        for position, row in enumerate(rows):
            self.versions[row] = others.versions[position]
            self.rejected.pop(row, None)
            if position in others.rejected:
                self.rejected[row] = others.rejected[position]

    def settled(self, count: int) -> None:
        """`count` more rows are answered, rejected or given up."""
        self._waiting -= count
        if not self._waiting and not self.done.done():
            self.done.set_result(None)


# A row that a model is asked for, the answers that its own is one of, and which of them. (A plain
# tuple: a named one takes three times as long to make, and there are several a query.)
Request = tuple[Row, StageAnswers, int]


@dataclass(frozen=True, eq=False, slots=True)
class TokenBatch:
    """Rows that travel in one call.

    Attributes:
        length: tokens of each row, padding included.
    """

    requests: list[Request]
    length: int
    lengths: np.ndarray = field(init=False)  # tokens of each row without padding, [batch]

    def __post_init__(self) -> None:
        lengths = np.array([len(ids) for (ids, _), _, _ in self.requests]) // ID
        object.__setattr__(self, "lengths", lengths)

    def __len__(self) -> int:
        return len(self.requests)

    @property
    def tokens(self) -> int:
        """With padding."""
        return len(self.requests) * self.length

    @property
    def fill(self) -> float:
        """Tokens over padded tokens."""
        return float(self.lengths.sum()) / self.tokens

    @property
    def wanted(self) -> bool:
        return not all(answers.done.done() for _, answers, _ in self.requests)

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
        padded = b"".join([row[part].ljust(width, b"\0") for row, _, _ in self.requests])
        return np.frombuffer(padded, np.int64).reshape(-1, self.length)

    def halves(self) -> tuple[TokenBatch, TokenBatch]:
        middle = len(self.requests) // 2
        first, second = self.requests[:middle], self.requests[middle:]
        return TokenBatch(first, self.length), TokenBatch(second, self.length)

    def answered(self, answer: Answer) -> None:
        """Hand the answer's rows out to those who asked."""
        start = 0
        for answers, requests in groupby(self.requests, key=itemgetter(1)):
            rows = [index for _, _, index in requests]
            stop = start + len(rows)
            values = answer.values[start:stop]
            if values.ndim == 3:
                _by_token(answers.values, rows, values)
            else:
                answers.values[rows] = values
            if answer.tags is not None and answers.tags is not None:
                _by_token(answers.tags, rows, answer.tags[start:stop])
            for row in rows:
                answers.versions[row] = answer.version
            answers.settled(len(rows))
            start = stop

    def given_up(self, rejection: Reject | None = None) -> None:
        """Leave the rows without an answer, rejected if there is a reason to."""
        for _, answers, index in self.requests:
            if rejection:
                answers.rejected[index] = rejection
            answers.settled(1)

    def failed(self, error: Exception) -> None:
        """Let those who asked see an error of our own code."""
        for _, answers, _ in self.requests:
            if not answers.done.done():
                answers.done.set_exception(error)


def _by_token(into: np.ndarray, rows: list[int], values: np.ndarray) -> None:
    """Copy rows of a call, [rows, length, …], without the padding to the longest in it."""
    length = min(into.shape[1], values.shape[1])
    into[rows, :length] = values[:, :length]


class Batcher:
    """The queue before one model; used from one event loop.

    Args:
        serve: settles every row of a batch, and calls `began` and `ended` around each call.
    """

    def __init__(
        self,
        contract: ModelContract,
        limits: Limits,
        serve: Callable[[TokenBatch], Coroutine[Any, Any, object]],
    ) -> None:
        self._limits, self._serve, self._model = limits, serve, contract.name
        buckets = contract.length_buckets
        # Few lengths, so that Triton can batch requests together and TensorRT needs few profiles.
        self._bucket_of = [
            next(b for b in buckets if n <= b) for n in range(contract.max_length + 1)
        ]
        self._queues: dict[int, list[Request]] = {bucket: [] for bucket in buckets}
        self._since = dict.fromkeys(buckets, 0.0)  # when the oldest row of each came
        self._under_way: set[TokenBatch] = set()
        self._tasks: dict[asyncio.Task[None], TokenBatch] = {}
        self._next: asyncio.Handle | None = None

    @property
    def crowded(self) -> bool:
        """Whether rows for a full call wait."""
        return any(self._is_full(bucket) for bucket in self._queues)

    def add(self, rows: Sequence[Row], answers: StageAnswers) -> None:
        """Ask for `rows`; `answers` gets what is said of them."""
        now = asyncio.get_running_loop().time()
        self._since |= {bucket: now for bucket, queue in self._queues.items() if not queue}
        queue_of = [self._queues[bucket] for bucket in self._bucket_of]
        for index, row in enumerate(rows):
            queue_of[len(row[0]) // ID].append((row, answers, index))
        self._soon()

    def forget(self) -> None:
        """Somebody was cancelled: their rows are not sent, and calls for them alone end."""
        for queue in self._queues.values():
            queue[:] = [request for request in queue if not request[1].done.done()]
        for task, batch in self._tasks.items():
            if not batch.wanted:
                task.cancel()

    def began(self, batch: TokenBatch) -> int:
        """A call is made, perhaps again; how many are under way now, itself included."""
        self._under_way.add(batch)
        return len(self._under_way)

    def ended(self, batch: TokenBatch) -> None:
        """It was answered, or has failed and may be made again."""
        if batch in self._under_way:
            self._under_way.remove(batch)
            self._soon()

    def _soon(self, delay_s: float = 0.0) -> None:
        """Look at the queue after all that runs now, or after a while."""
        loop = asyncio.get_running_loop()
        if self._next is not None:
            self._next.cancel()
        self._next = loop.call_later(delay_s, self._send) if delay_s else loop.call_soon(self._send)

    def _send(self) -> None:
        self._next = None
        now = asyncio.get_running_loop().time()
        while len(self._under_way) < self._limits.calls(now):
            patience_s = self._patience_s()
            due = {
                bucket: since if self._is_full(bucket) else since + patience_s
                for bucket, since in self._since.items()
                if self._queues[bucket]
            }
            if not due:
                return
            bucket = min(due, key=due.__getitem__)
            if due[bucket] > now:
                return self._soon(max(due[bucket] - now, 1e-4))
            self._dispatch(bucket, now)

    def _is_full(self, bucket: int) -> bool:
        return len(self._queues[bucket]) >= self._limits.rows(bucket)

    def _patience_s(self) -> float:
        """How long rows may wait for more of them to fill a call."""
        under_way, latency_s = len(self._under_way), self._limits.latency_s
        if under_way >= FEW_CALLS:
            return latency_s
        return min(MAX_AGE_S, latency_s / FEW_CALLS) if under_way else 0.0

    def _dispatch(self, bucket: int, now: float) -> None:
        buckets, length = self._joined(bucket)
        rows, requests = self._limits.rows(length), []
        for one in buckets:
            requests += self._queues[one][:rows]
            del self._queues[one][:rows]
            self._since[one] = now
        self._under_way.add(batch := TokenBatch(requests, length))
        task = asyncio.create_task(self._watched(batch), name=f"call {self._model}")
        self._tasks[task] = batch
        task.add_done_callback(self._tasks.pop)

    def _joined(self, bucket: int) -> tuple[list[int], int]:
        """The buckets that travel in one call with this one, and the length of its rows.

        All that wait, if they do not fill a call and padding makes them little more.
        """
        if not self._is_full(bucket):
            counts = {one: len(queue) for one, queue in self._queues.items() if queue}
            rows, longest = sum(counts.values()), max(counts)
            apart = sum(one * count for one, count in counts.items())
            if rows <= self._limits.rows(longest) and rows * longest <= MOST_PADDED * apart:
                return list(counts), longest
        return [bucket], bucket

    async def _watched(self, batch: TokenBatch) -> None:
        try:
            await self._serve(batch)
        except Exception as error:
            batch.failed(error)
        except BaseException:  # cancelled: so are those who asked, or the loop ends
            batch.failed(ModelUnavailable("stopped"))
            raise
        finally:
            self.ended(batch)
