"""An event loop whose clock leaps to the next timer, so that an outage of an hour takes no time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        super().__init__()
        self._at = 1000.0

    def time(self) -> float:
        return self._at

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:
            # A little at least: what is added to a large number may vanish.
            self._at = max(self._at + 1e-6, self._scheduled[0]._when)
        super()._run_once()


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Like `asyncio.run`; for coroutines that wait on timers and each other alone."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(main)


def now() -> float:
    """The loop's own time, seconds."""
    return asyncio.get_running_loop().time()
