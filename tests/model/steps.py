"""Time, an event loop and threads that move only when a test moves them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

MOST_TURNS = 5000
_here = threading.local()


class Clock:
    """Seconds that pass at a word."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Killed(BaseException):
    """Ends a thread of a worker that was killed."""


class Carrier:
    """A thread that carries one strand after another: to start one costs more than to reuse it."""

    idle: list[Carrier] = []

    def __init__(self) -> None:
        self.go, self.back = threading.Lock(), threading.Lock()  # free: go on
        self.go.acquire()
        self.back.acquire()
        threading.Thread(target=self._run, daemon=True).start()

    @classmethod
    def of(cls, strand: Strand) -> Carrier:
        carrier = cls.idle.pop() if cls.idle else cls()
        carrier._strand = strand
        return carrier

    def _run(self) -> None:
        while True:
            self.go.acquire()
            _here.strand = self._strand
            self._strand.carry()
            self.idle.append(self)
            self.back.release()


class Strand:
    """A thread that runs only inside `resume`, until it waits for something.

    Args:
        done: called with its result and its error at its end.
    """

    def __init__(self, clock: Clock, work: Callable, done: Callable = lambda *_: None) -> None:
        self._clock, self._work, self._done = clock, work, done
        self._carrier: Carrier | None = None
        self._ready: Callable[[], bool] = lambda: True
        self._until = 0.0
        self._killed = False
        self.ended = False

    def start(self) -> None:
        self._carrier = Carrier.of(self)

    @property
    def ident(self) -> int | None:
        return self._carrier and id(self._carrier)

    def is_alive(self) -> bool:
        return not self.ended

    def join(self, timeout_s: float) -> None:
        wait(lambda: self.ended, timeout_s)

    def resume(self) -> bool:
        """Run it up to its next wait; False if what it waits for has not come."""
        waits = not (self._killed or self._ready() or self._clock.now >= self._until)
        if self.ended or waits or self.ident is None:
            return False
        carrier = self._carrier
        carrier.go.release()
        carrier.back.acquire()
        return True

    def kill(self) -> None:
        self._killed = True
        while self.resume():
            pass

    def carry(self) -> None:
        """What its thread does from its first `resume` to its end."""
        result = error = None
        try:
            if not self._killed:
                result = self._work()
        except Killed:
            pass
        except BaseException as raised:
            error = raised
        self.ended = True
        if not self._killed:
            self._done(result, error)

    def wait(self, ready: Callable[[], bool], timeout_s: float) -> None:
        if self._killed:
            raise Killed
        self._ready, self._until = ready, self._clock.now + timeout_s
        self._carrier.back.release()
        self._carrier.go.acquire()
        if self._killed:
            raise Killed


def in_strand() -> bool:
    return getattr(_here, "strand", None) is not None


def wait(ready: Callable[[], bool] = lambda: True, timeout_s: float = 0.0) -> None:
    """In a strand, wait for `ready`; elsewhere go on at once."""
    if in_strand():
        _here.strand.wait(ready, timeout_s)


class Event(threading.Event):
    """Waited for in a strand."""

    def wait(self, timeout_s: float) -> bool:
        wait(self.is_set, timeout_s)
        return self.is_set()


class Loop(asyncio.BaseEventLoop):
    """An event loop without input: it turns when told, and calls in threads are strands.

    Attributes:
        calls: the calls in threads that have not returned.
        faults: what reached the loop's exception handler.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock, self._selector = clock, self
        self.calls: list[Strand] = []
        self.faults: list[str] = []
        self.set_exception_handler(lambda _, told: self.faults.append(repr(told)))

    def time(self) -> float:
        return self._clock.now

    def select(self, _timeout_s: float | None) -> tuple:
        return ()

    def close(self) -> None:
        """Its tasks may still be collected."""

    def _process_events(self, _events: object) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody sleeps who must be woken."""

    def run_in_executor(self, _executor: object, work: Callable, *arguments: object):
        future = self.create_future()

        def done(result: object, error: BaseException | None) -> None:
            self.calls.remove(strand)
            self.call_soon_threadsafe(_answer, future, result, error)

        strand = Strand(self._clock, lambda: work(*arguments), done)
        self.calls.append(strand)
        strand.start()
        return future

    def settle(self) -> None:
        """Turn until nothing is left to do at this time."""
        self._turns = 0
        if self._busy():
            self.run_forever()

    def _run_once(self) -> None:
        super()._run_once()
        self._turns += 1
        assert self._turns < MOST_TURNS, "the event loop does not come to rest"
        if not self._busy():
            self.stop()

    def _busy(self) -> bool:
        due = self._scheduled and self._scheduled[0]._when <= self._clock.now
        return bool(self._ready or due)


def _answer(future: asyncio.Future, result: object, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
