"""How many calls of a model are under way at once, and how large one may be: from measured latency.

Rules:
- Calls follow TCP Vegas (Brakmo and Peterson, 1995; also in Netflix's concurrency-limits). Of n
  calls under way, n · (1 - base / latency) wait in the server's queue, base being the latency of a
  call of that size that was alone. Fewer than one waiting while rows wait for a full call: one call
  more; more than three: one fewer.
- The base falls with any call and rises only with one that was alone, else the queue that is to be
  measured would become part of it. Where none was alone for PROBE_S, or nothing is known of the
  size, the next one is (as in BBR, Cardwell et al., 2016).
- A call's size follows a latency objective, as in Clipper (Crankshaw et al., NSDI 2017): it grows
  with each full call, and shrinks when one takes longer than OBJECTIVE_S, the queue left out.
- What is too large for the model, as its failures show, is not tried again for HOLD_S; then the
  size grows step by step from what did go through.

Time is passed in, so that the rules can be tested without waiting.
"""

from __future__ import annotations

import math

FEWEST_WAITING, MOST_WAITING = 1.0, 3.0  # calls in the server's queue
FEW_CALLS = 2  # at first: one is computed while the other's rows travel
PROBE_S = 20.0
# Of one call. On a CPU larger ones are slower by the row, as they leave its caches (starter models:
# by a quarter from 16 rows to 128); a GPU computes the largest in less.
OBJECTIVE_S = 0.03
FIRST_SHARE = 0.25  # of the largest size, before anything is known
GROWTH = 1.05  # of the size, with each full call
HOLD_S = 30.0
SMOOTHING, ALONE_SMOOTHING = 0.1, 0.5


class Limits:
    """Those of one model.

    Args:
        max_calls: upper bound of the calls under way.
        max_rows: rows that the model takes in one call.
        max_length: tokens that it takes in one row.

    Attributes:
        latency_s: of the last calls; 0 before the first.
    """

    def __init__(self, max_calls: int, max_rows: int, max_length: int) -> None:
        self.latency_s = 0.0
        self._calls = float(min(FEW_CALLS, max_calls))
        self._max_calls, self._max_rows = max_calls, max_rows
        self._max_tokens = max_rows * max_length
        self._tokens = FIRST_SHARE * self._max_tokens  # padded, of one call
        self._base: dict[int, float] = {}  # size class → seconds
        self._alone_at = -math.inf
        self._held_until = -math.inf

    def calls(self, now: float) -> int:
        """Calls that may be under way now."""
        return int(self._calls) if now < self._alone_at + PROBE_S else 1

    def rows(self, length: int) -> int:
        """Rows of so many tokens, padding included, that may be sent in one call."""
        return max(1, min(self._max_rows, int(self._tokens) // length))

    def answered(
        self, tokens: int, seconds: float, under_way: int, crowded: bool, now: float
    ) -> None:
        """A call was answered.

        Args:
            tokens: of the call, padded.
            under_way: calls when it began, itself included.
            crowded: whether rows for a full call wait.
        """
        self.latency_s += (SMOOTHING if self.latency_s else 1.0) * (seconds - self.latency_s)
        if under_way == 1:
            self._alone_at = now
        base = self._based(tokens, seconds, under_way == 1)
        waiting = under_way * (1 - base / seconds) if seconds > 0 else 0.0
        if waiting > MOST_WAITING:
            self._calls = max(1.0, self._calls - 1 / self._calls)
        elif waiting < FEWEST_WAITING and (crowded or self._calls < FEW_CALLS):
            self._calls = min(self._max_calls, self._calls + 1 / self._calls)
        if 2 * tokens < self._tokens:  # small calls say little about the largest
            return
        if base > OBJECTIVE_S:
            self._tokens = max(1.0, tokens * max(0.5, OBJECTIVE_S / base))
        elif now >= self._held_until:
            self._tokens = min(self._max_tokens, max(GROWTH * self._tokens, self._tokens + 1))

    def timed_out(self) -> None:
        """A call was not answered in time."""
        self._calls = max(1.0, self._calls / 2)

    def too_large(self, tokens: int, now: float) -> None:
        """Calls of so many padded tokens went through, which together did not."""
        self._tokens = min(self._tokens, float(tokens))
        self._held_until = now + HOLD_S

    def _based(self, tokens: int, seconds: float, alone: bool) -> float:
        """The base of calls of this size, once `seconds` is known of one."""
        size = round(4 * math.log2(tokens))
        if alone:
            base = self._base.get(size, seconds)
            base += ALONE_SMOOTHING * max(0.0, seconds - base)
        elif (base := self._base.get(size)) is None:
            # At most what another size takes, in proportion where that is smaller.
            others = [s * 2 ** (max(0, size - other) / 4) for other, s in self._base.items()]
            base, self._alone_at = min(others, default=seconds), -math.inf
        base = self._base[size] = min(base, seconds)
        return base
