"""Calls one model, again and again for as long as its policy has patience.

Rules:
- While the circuit is open, one call at a time probes the model: the one that waits longest; one
  whose probe failed goes to the end of the line, so that no batch's own fault keeps others waiting.
- `block` waits. `degrade` and `dead_letter` wait for `patience_s` from the model's first failure,
  not from each call's own: in a long outage what comes is given up at once. While nobody waits, the
  last call that was given up or failed is made again in the background as the probe, so that the
  circuit closes although nothing comes. When the server was seen to come back, calls wait for the
  probe's answer.
- A batch that fails twice, other than by an absent server, or while the model answers others, is
  halved by the caller: one of its rows is at fault, or it is too large.
- A single input whose answer is invalid again and again, while others get valid ones, is rejected.
- A call is made again only after a pause and within the retry budget; what waits for the
  circuit to close is held back by that alone.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic
from typing import TypeVar

from worker.config.settings import Policy
from worker.errors import InvalidAnswer, ModelFailed, ModelRejected, ModelTimeout, Reject, Retry
from worker.logs import Seldom
from worker.metrics import Metrics
from worker.tasks import guarded
from worker.understanding.circuit_breaker import (
    LONGEST_PAUSE_S,
    Breaker,
    Permit,
    RetryBudget,
    jittered,
)

logger = logging.getLogger(__name__)
T = TypeVar("T")
Attempt = Callable[[], Awaitable[T]]

OWN_FAILURES = 2  # of a batch, from which it is halved
LINES_UP_S = 0.01  # after which a call that failed waits for its turn again, if it does
INVALID_ANSWERS = 3  # to one input, each after an answer to another call


class OwnFault(Exception):
    """The model fails on this batch: its parts may fare better."""


class Pulse:
    """Wakes all who wait for a change; used from one event loop."""

    def __init__(self) -> None:
        self._next: asyncio.Future[None] | None = None

    def fire(self) -> None:
        if self._next is not None and not self._next.done():
            self._next.set_result(None)
        self._next = None

    async def wait(self, timeout_s: float) -> None:
        """Wait for the next change, at most so long."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        timeout = None if timeout_s == math.inf else max(0.0, timeout_s)
        await asyncio.wait([self._next], timeout=timeout)


class _Faults:
    """Evidence that a call fails because of its own rows, not of the model."""

    def __init__(self, divisible: bool, answers: int) -> None:
        self._divisible, self._answers = divisible, answers
        self._own = self._invalid = 0

    def add(self, model: str, failure: Retry, answers: int) -> None:
        """The call failed.

        Args:
            answers: how many calls of the model were answered so far.

        Raises:
            OwnFault, ModelRejected: it is at fault.
        """
        others_answered, self._answers = answers > self._answers, answers
        whole = isinstance(failure, ModelFailed) and not failure.divisible
        self._own += others_answered or isinstance(failure, (ModelFailed, ModelTimeout))
        self._invalid += others_answered and isinstance(failure, InvalidAnswer)
        if self._divisible and not whole and self._own >= OWN_FAILURES:
            raise OwnFault
        if not self._divisible and self._invalid >= INVALID_ANSWERS:
            raise ModelRejected(model, str(failure))


class ModelCaller:
    """Makes the calls of one model; how many at once, the caller sees to."""

    def __init__(self, model: str, policy: Policy, patience_s: float, metrics: Metrics) -> None:
        self._model, self._policy, self._patience_s = model, policy, patience_s
        self._breaker, self._budget = Breaker(), RetryBudget()
        self._line: deque[object] = deque()  # those who wait while the circuit is not closed
        self._changed = Pulse()
        self._failure: Retry | None = None  # the last one
        self._answers = 0
        self._left: Attempt | None = None  # the last call that was given up or failed
        self._prober: asyncio.Task[None] | None = None  # makes it again
        self._known = True  # see `_is_known`
        self._known_open = False
        self._opened_at = 0.0  # in terms of `time.monotonic()`
        self._seldom = Seldom(logger)
        metrics.model_circuit_open.labels(model).set_function(lambda: self.away)
        self._openings = metrics.model_circuit_openings.labels(model)
        self._retries = metrics.model_retries.labels(model)

    @property
    def policy(self) -> Policy:
        return self._policy

    @property
    def away(self) -> bool:
        """Whether the circuit is open: the model does not answer. For any thread."""
        return not self._breaker.closed

    def follow(self, policy: Policy, patience_s: float) -> None:
        """Change the policy, also for those who wait now."""
        self._policy, self._patience_s = policy, patience_s
        self._changed.fire()

    def may_be_back(self) -> None:
        """The server was seen to come back: the next call finds out whether the model is, too."""
        self._breaker.may_be_back()
        self._changed.fire()

    async def call(self, attempt: Attempt[T], divisible: bool = False) -> T:
        """The answer of `attempt`, called until it does not raise `Retry`.

        Raises:
            Retry: the policy's patience is over.
            Reject: `attempt` raised it.
            OwnFault: only if it is `divisible`.
        """
        waits_since, tries, faults = math.inf, 0, _Faults(divisible, self._answers)
        self._budget.called()
        while True:
            if not self._breaker.closed:
                waits_since = min(waits_since, _now())
                await self._turn(attempt, waits_since)
            permit = self._breaker.admit(_now())
            if permit is None:  # another was faster
                continue
            if tries:
                self._retries.inc()
            try:
                return await self._made(attempt, permit)
            except Retry as error:
                failure = error
            waits_since, tries = min(waits_since, _now()), tries + 1
            faults.add(self._model, failure, self._answers)
            message = "%s; trying again (%s)"
            self._seldom.warning(self._model, message, failure, self._policy)
            await self._pause(failure, waits_since, tries)

    async def _turn(self, attempt: Attempt[T], waits_since: float) -> None:
        """Wait until the circuit is closed, or until it is this call's turn to probe.

        Raises:
            Retry: the patience is over.
        """
        self._line.append(me := object())
        try:
            while not self._breaker.closed:
                now, give_up = _now(), self._give_up(waits_since)
                due = self._breaker.due(now)
                if now >= give_up and self._is_known(now):
                    self._keep_asking(attempt)
                    assert self._failure
                    raise self._failure.with_traceback(None)  # raised many times
                first = self._line[0] is me
                if due and (first or now >= give_up):
                    return
                ahead = [self._breaker.retry_at] if first else []
                ahead = [at for at in (*ahead, give_up) if at > now]
                await self._changed.wait(min(ahead, default=math.inf) - now)
        finally:
            self._line.remove(me)
            self._changed.fire()

    async def _pause(self, failure: Retry, waits_since: float, tries: int) -> None:
        """Wait until the call may be made again, as long as the circuit is closed.

        Raises:
            Retry: the patience would be over before.
        """
        pause = jittered(tries)
        await asyncio.sleep(0)  # a call that fails without waiting must not keep the loop to itself
        while self._breaker.closed:
            now = _now()
            if now + pause > self._give_up(waits_since):
                raise failure
            await asyncio.sleep(pause)
            if not self._breaker.closed or self._budget.take(now := _now()):
                return
            pause = self._budget.wait_s(now)

    def _give_up(self, waits_since: float) -> float:
        if self._policy == "block":
            return math.inf
        failing_since = self._breaker.failing_since
        began = waits_since if failing_since is None else min(waits_since, failing_since)
        return began + self._patience_s

    def _is_known(self, now: float) -> bool:
        """Whether the model was found away not long ago, or when the present probe began."""
        if self._breaker.state == "open":
            self._known = now < self._breaker.retry_at + LONGEST_PAUSE_S
        return self._known

    def _keep_asking(self, attempt: Attempt[T]) -> None:
        """Probe with this call, or a later one, whenever nobody waits to do so."""
        self._left = attempt
        if self._prober is None or self._prober.done():
            self._prober = guarded(self._ask_on(), self._probe_failed)

    def _probe_failed(self, error: BaseException) -> None:
        logger.error("%s: its probe ended by a fault of the worker itself: %r", self._model, error)

    async def _ask_on(self) -> None:
        await asyncio.sleep(LINES_UP_S)
        while not self._breaker.closed:
            now = _now()
            self._is_known(now)  # before the probe makes the state half-open
            if self._line or not (permit := self._breaker.admit(now)):
                pause_s = math.inf if self._line else self._breaker.retry_at - now
                await self._changed.wait(max(pause_s, LINES_UP_S))
                continue
            with suppress(Retry, Reject):
                await self._made(self._left, permit)
        self._left = None

    async def _made(self, attempt: Attempt[T], permit: Permit) -> T:
        """Call, and report the outcome to the breaker."""
        try:
            answer = await attempt()
        except Retry as error:
            self._failure = error
            self._breaker.failed(permit, _now())
            if not self._breaker.closed:
                self._keep_asking(attempt)
            raise
        except Reject:  # it answered, only not to this
            self._answered(permit)
            raise
        except BaseException:
            self._breaker.abandoned(permit, _now())
            raise
        else:
            self._answered(permit)
            return answer
        finally:
            self._report()

    def _answered(self, permit: Permit) -> None:
        self._answers += 1
        self._breaker.answered(permit)

    def _report(self) -> None:
        """Report a change of the circuit to those who wait, the metrics and the log."""
        is_open = not self._breaker.closed
        if is_open or self._known_open:
            self._changed.fire()
        if is_open == self._known_open:
            return
        self._known_open = is_open
        if is_open:
            self._openings.inc()
            self._opened_at = monotonic()
            message = "%s: circuit open, one call at a time probes the model (%s): %s"
            logger.warning(message, self._model, self._policy, self._failure)
        else:
            away_s = monotonic() - self._opened_at
            logger.warning("%s: circuit closed after %.1f s", self._model, away_s)


def _now() -> float:
    return asyncio.get_running_loop().time()
