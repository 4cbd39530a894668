"""One model's circuit and retry budget, in random histories: time and chance are passed in."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from worker.understanding.circuit_breaker import (
    BURST,
    FAILURES,
    LONGEST_PAUSE_S,
    RETRIES_PER_S,
    RETRY_SHARE,
    Breaker,
    RetryBudget,
    jittered,
)

chances = st.floats(0, 1)


class Circuit(RuleBasedStateMachine):
    """Calls begin, are answered, fail or are given up, in any order; time passes."""

    def __init__(self):
        super().__init__()
        self.now, self.chance = 100.0, 1.0
        self.breaker = Breaker(lambda: self.chance)
        self.under_way, self.probe = [], None
        self.begun = set()  # since the circuit last closed
        self.in_a_row = 0  # failures of those

    @initialize(chance=chances)
    def chances_are(self, chance):
        self.chance = chance

    @rule(seconds=st.floats(0, 10))
    def time_passes(self, seconds):
        self.now += seconds

    @precondition(lambda self: len(self.under_way) < 12)
    @rule()
    def a_call_asks(self):
        state, retry_at = self.breaker.state, self.breaker.retry_at
        permit = self.breaker.admit(self.now)
        assert (permit is not None) == (
            state == "closed" or (state == "open" and self.now >= retry_at)
        )
        if permit is not None:
            self.under_way.append(permit)
            self.begun.add(permit)
            if state == "open":
                assert self.breaker.state == "half-open"
                self.probe = permit

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def it_is_answered(self, data):
        permit = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        if not self.breaker.closed:
            self.begun.clear()
        self.breaker.answered(permit)
        assert self.breaker.closed and self.breaker.failing_since is None
        self.in_a_row, self.probe = 0, None

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def it_fails(self, data):
        permit = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        before, retry_at = self.breaker.state, self.breaker.retry_at
        self.breaker.failed(permit, self.now)
        if permit is self.probe:
            assert self.breaker.state == "open"
            assert 0 <= self.breaker.retry_at - self.now <= LONGEST_PAUSE_S + 1e-9
            self.probe = None
        elif before != "closed":  # it began before: neither a probe is lost nor a pause longer
            assert (self.breaker.state, self.breaker.retry_at) == (before, retry_at)
        else:
            self.in_a_row += permit in self.begun
            assert (self.breaker.state == "open") == (self.in_a_row >= FAILURES)
            assert (self.breaker.failing_since is not None) == (self.in_a_row > 0)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def its_caller_goes_away(self, data):
        permit = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        before = self.breaker.state
        self.breaker.abandoned(permit, self.now)
        if permit is self.probe:
            assert self.breaker.due(self.now)  # the next one need not wait
            self.probe = None
        else:
            assert self.breaker.state == before

    @invariant()
    def a_probe_is_under_way_exactly_while_half_open(self):
        """So there is never a second one, and the circuit is never stuck without one."""
        assert (self.breaker.state == "half-open") == (self.probe is not None)
        assert self.probe is None or self.probe in self.under_way

    @rule()
    def its_server_is_seen_to_come_back(self):
        closed, self.probe = self.breaker.closed, None
        self.breaker.may_be_back()
        assert closed or self.breaker.due(self.now)

    @invariant()
    def it_never_stays_open_for_ever(self):
        if self.breaker.state == "open":
            assert self.breaker.due(self.now + LONGEST_PAUSE_S + 1e-9)


TestCircuit = Circuit.TestCase
TestCircuit.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 0.5)), max_size=400))
@settings(max_examples=150, deadline=None)
def test_over_any_time_retries_stay_within_the_budget(history):
    """Tries to retry, and first calls, at random times."""
    budget, now, calls, taken = RetryBudget(), 0.0, [], []
    for retry, seconds in history:
        now += seconds
        if retry:
            wait_s = budget.wait_s(now)
            assert 0 <= wait_s <= 1 / RETRIES_PER_S
            if budget.take(now):
                taken.append(now)
            else:
                assert wait_s > 0
        else:
            budget.called()
            calls.append(now)
    for start in taken:
        for end in (at for at in taken if at >= start):
            inside = sum(start <= at <= end for at in taken)
            first = sum(start <= at <= end for at in calls)
            allowed = RETRY_SHARE * first + RETRIES_PER_S * (end - start) + BURST
            assert inside <= allowed + 1e-4  # it counts in millionths of a second


def test_a_pause_grows_to_its_bound_and_is_spread_over_all_of_it():
    bounds = [jittered(failures, lambda: 1.0) for failures in range(1, 2000)]
    assert bounds == sorted(bounds) and bounds[-1] == LONGEST_PAUSE_S
    assert bounds[1] == 2 * bounds[0]
    assert jittered(3, lambda: 0.0) == 0.0


def open_for(breaker, now):
    """Let it fail until it opens; the pause that it takes."""
    for permit in [breaker.admit(now) for _ in range(FAILURES)]:
        breaker.failed(permit, now)
    assert breaker.state == "open"
    return breaker.retry_at - now


def test_a_model_that_answers_probes_alone_is_probed_ever_more_seldom():
    breaker, now = Breaker(lambda: 1.0), 0.0
    pauses = []
    for _ in range(8):
        pauses.append(open_for(breaker, now))
        now = breaker.retry_at
        breaker.answered(breaker.admit(now))
    assert pauses == sorted(pauses) and pauses[-1] == LONGEST_PAUSE_S
    breaker.answered(breaker.admit(now))  # a call after the probe
    assert open_for(breaker, now) == pytest.approx(pauses[0])


def test_what_timed_out_from_before_does_not_open_the_circuit_again():
    breaker = Breaker(lambda: 0.0)
    old = [breaker.admit(0.0) for _ in range(3 * FAILURES)]
    for permit in old[:FAILURES]:
        breaker.failed(permit, 2.0)
    assert not breaker.closed
    breaker.answered(breaker.admit(2.0))
    for permit in old[FAILURES:]:
        breaker.failed(permit, 2.1)
    assert breaker.closed and breaker.failing_since is None


def test_while_a_probe_is_under_way_nobody_knows_when_the_next_may_be():
    breaker = Breaker(lambda: 1.0)
    open_for(breaker, 0.0)
    assert breaker.admit(breaker.retry_at) is not None
    assert breaker.retry_at == math.inf and not breaker.due(1e9)
