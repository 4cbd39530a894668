"""How many calls of a model are under way at once, and how large one may be: from measured latency.

Rules:
- Calls follow TCP Vegas (Brakmo and Peterson, 1995; also in Netflix's concurrency-limits). Of n
  calls under way, n · (1 - base / latency) wait in the server's queue, base being the least latency
  of calls of that size. Fewer than one waiting: one call more; more than three: one fewer.
- A call's size follows the rule of Clipper (Crankshaw et al., NSDI 2017): it grows by a fixed step
  with each full call, and shrinks by a tenth when a call takes longer than OBJECTIVE_S.
- What is too large for the model, as its failures show, is not tried again for HOLD_S; then the
  size grows step by step from what did go through.

Time is passed in, so that the rules can be tested without waiting.
"""

from __future__ import annotations

import math

FEWEST_WAITING, MOST_WAITING = 1.0, 3.0  # calls in the server's queue
FIRST_CALLS = 2.0
# A base is believed a little less with each call: in 3,500 calls a model may become half as fast.
DRIFT = 1.0002
OBJECTIVE_S = 0.2  # of one call; larger ones would make the others wait, and gain nothing on a CPU
STEPS = 256  # calls in which the size grows from nothing to the largest
HOLD_S = 30.0


class Limits:
    """Those of one model.

    Args:
        max_calls: upper bound of the calls under way.
        max_rows: rows that the model takes in one call.
        max_length: tokens that it takes in one row.

    Attributes:
        calls: that may be under way now.
    """

    def __init__(self, max_calls: int, max_rows: int, max_length: int) -> None:
        self.calls = min(FIRST_CALLS, max_calls)
        self._max_calls, self._max_rows = max_calls, max_rows
        self._max_tokens = max_rows * max_length
        self._tokens = float(self._max_tokens)  # padded, of one call
        self._base: dict[int, float] = {}  # size class → seconds
        self._held_until = -math.inf

    def rows(self, length: int) -> int:
        """Rows of so many tokens, padding included, that may be sent in one call."""
        return max(1, min(self._max_rows, int(self._tokens) // length))

    def answered(self, tokens: int, seconds: float, under_way: int, now: float) -> None:
        """A call of so many padded tokens was answered; `under_way` calls were, itself included."""
        size = tokens.bit_length()
        base = self._base[size] = min(seconds, self._base.get(size, seconds) * DRIFT)
        waiting = under_way * (1 - base / seconds) if seconds > 0 else 0.0
        if waiting > MOST_WAITING:
            self.calls = max(1.0, self.calls - 1 / self.calls)
        elif waiting < FEWEST_WAITING and under_way > self.calls / 2:
            self.calls = min(self._max_calls, self.calls + 1 / self.calls)
        if 2 * tokens < self._tokens:  # small calls say little about the largest
            return
        if seconds > OBJECTIVE_S:
            self._tokens = max(1.0, 0.9 * self._tokens)
        elif now >= self._held_until:
            self._tokens = min(self._max_tokens, self._tokens + self._max_tokens / STEPS)

    def timed_out(self) -> None:
        """A call was not answered in time."""
        self.calls = max(1.0, self.calls / 2)

    def too_large(self, tokens: int, now: float) -> None:
        """Calls of so many padded tokens went through, which together did not."""
        self._tokens = min(self._tokens, float(tokens))
        self._held_until = now + HOLD_S
