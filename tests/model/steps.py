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


class Strand:
    """A thread that runs only inside `resume`, until it waits for something.

    Args:
        done: called with its result and its error at its end.
    """

    def __init__(self, clock: Clock, work: Callable, done: Callable = lambda *_: None) -> None:
        self._clock, self._work, self._done = clock, work, done
        self._go, self._back = threading.Lock(), threading.Lock()  # free: go on
        self._go.acquire()
        self._back.acquire()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready: Callable[[], bool] = lambda: True
        self._until = 0.0
        self._killed = False
        self.doors: int | None = None  # that it may pass before it waits at the next; None: all
        self.at_door = self.ended = False

    def start(self) -> None:
        self._thread.start()

    @property
    def ident(self) -> int | None:
        return self._thread.ident

    def is_alive(self) -> bool:
        return not self.ended

    def join(self, timeout_s: float) -> None:
        wait(lambda: self.ended, timeout_s)

    def resume(self, doors: int | None = None) -> bool:
        """Run it up to its next wait; False if what it waits for has not come."""
        waits = not (self._killed or self._ready() or self._clock.now >= self._until)
        if self.ended or waits or self.ident is None:
            return False
        self.doors = doors
        self._go.release()
        self._back.acquire()
        return True

    def kill(self) -> None:
        self._killed = True
        while self.resume():
            pass

    def _run(self) -> None:
        _here.strand = self
        self._go.acquire()
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
        self._back.release()

    def wait(self, ready: Callable[[], bool], timeout_s: float) -> None:
        if self._killed:
            raise Killed
        self._ready, self._until = ready, self._clock.now + timeout_s
        self._back.release()
        self._go.acquire()
        if self._killed:
            raise Killed


def in_strand() -> bool:
    return getattr(_here, "strand", None) is not None


def wait(ready: Callable[[], bool] = lambda: True, timeout_s: float = 0.0) -> None:
    """In a strand, wait for `ready`; elsewhere go on at once."""
    if in_strand():
        _here.strand.wait(ready, timeout_s)


def door() -> None:
    """A place where another thread may overtake this one."""
    if in_strand() and _here.strand.doors is not None:
        if _here.strand.doors == 0:
            _here.strand.at_door = True
            wait()
            _here.strand.at_door = False
        else:
            _here.strand.doors -= 1


class Condition:
    """In place of a `threading.Condition`, where one strand runs at a time."""

    def __enter__(self) -> None:
        door()

    def __exit__(self, *_: object) -> None:
        """Nothing is held: nobody else runs."""

    def notify_all(self) -> None:
        """Who waits asks again by itself."""

    def wait_for(self, ready: Callable[[], bool], timeout_s: float) -> bool:
        if not ready():
            wait(ready, timeout_s)
        return ready()


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
        for _ in range(MOST_TURNS):
            if not (self._ready or (self._scheduled and self._scheduled[0]._when <= self.time())):
                return
            self.stop()
            self.run_forever()
        raise AssertionError("the event loop does not come to rest")


def _answer(future: asyncio.Future, result: object, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
