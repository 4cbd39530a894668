"""What stands before a model: its circuit, its retries and its policy, through long outages.

The clock is the test's, so an outage of minutes takes none, and every count is exact.
"""

import asyncio
import logging

import pytest

from tests.virtual_time import now, run
from worker.errors import ModelRejected, ModelTimeout, Retry
from worker.metrics import Metrics
from worker.understanding.circuit_breaker import BURST, FAILURES, LONGEST_PAUSE_S, RETRIES_PER_S
from worker.understanding.retry import ModelCaller

TIMEOUT_S, ANSWER_S = 2.0, 0.01


class Model:
    """Hangs while `away`, as a call sees it: each one times out."""

    def __init__(self, policy="block", patience_s=5.0):
        self.metrics = Metrics()
        self.caller = ModelCaller("intent", policy, patience_s, self.metrics)
        self.away, self.fail_s = False, TIMEOUT_S
        self.fails = lambda caller: False  # other than by being away
        self.calls = []  # (when, by whom)
        self.under_way = self.most_under_way = 0

    async def ask(self, caller=None):
        async def attempt():
            self.calls.append((now(), caller))
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            away = self.away or self.fails(caller)
            try:
                await asyncio.sleep(self.fail_s if away else ANSWER_S)
            finally:
                self.under_way -= 1
            if away:
                raise ModelTimeout("no answer")
            return caller

        return await self.caller.call(attempt)

    @property
    def closed(self):
        return self.caller._breaker.closed

    def value(self, name):
        return self.metrics.registry.get_sample_value(f"query_worker_{name}", {"model": "intent"})


async def opened(model):
    """Go away, and let the circuit open by calls that wait on from then on."""
    model.away = True
    waiting = [asyncio.create_task(model.ask(n)) for n in range(16)]
    while model.closed:
        await asyncio.sleep(0.01)
    return waiting


def test_block_probes_one_call_at_a_time_and_all_go_on_when_it_is_back():
    async def scenario():
        model = Model()
        waiting = await opened(model)
        await asyncio.sleep(TIMEOUT_S)  # what was under way when it opened
        assert len(model.calls) <= 16 + 1
        model.most_under_way, before = 0, len(model.calls)
        await asyncio.sleep(600)
        probes = len(model.calls) - before
        assert model.most_under_way == 1
        # A probe takes TIMEOUT_S, and the pause before it LONGEST_PAUSE_S at most.
        assert 600 / (TIMEOUT_S + LONGEST_PAUSE_S) - 2 <= probes <= 600 / TIMEOUT_S + 2
        model.away, back_at = False, now()
        assert await asyncio.gather(*waiting) == list(range(16))
        assert now() - back_at < TIMEOUT_S + LONGEST_PAUSE_S + 1

    run(scenario())


def test_probes_go_around_so_that_no_batchs_own_fault_keeps_the_others_waiting():
    async def scenario():
        model = Model()
        waiting = await opened(model)
        await asyncio.sleep(TIMEOUT_S)  # what was under way when it opened
        before = len(model.calls)
        while len(model.calls) < before + 32:
            await asyncio.sleep(1)
        probers = [caller for _, caller in model.calls[before : before + 32]]
        assert len(set(probers[:16])) == 16 and probers[:16] == probers[16:]
        model.away, model.fails = False, lambda caller: caller == 3
        done, _ = await asyncio.wait(waiting, timeout=16 * (TIMEOUT_S + LONGEST_PAUSE_S))
        assert {task.result() for task in done} == set(range(16)) - {3}
        model.fails = lambda caller: False
        assert await waiting[3] == 3

    run(scenario())


@pytest.mark.parametrize("policy", ["degrade", "dead_letter"])
def test_in_a_long_outage_calls_are_given_up_at_once_and_probes_go_on(policy):
    async def scenario():
        model = Model(policy, patience_s=5.0)
        waiting = await opened(model)
        first_at = now()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(result, Retry) for result in results)
        assert now() - first_at <= 5.0 + TIMEOUT_S  # the one that is probing waits for its answer
        model.most_under_way, before, began = 0, len(model.calls), now()
        for _ in range(3000):
            asked_at = now()
            with pytest.raises(Retry):
                await model.ask()
            assert now() == asked_at
            await asyncio.sleep(0.1)
        probes = len(model.calls) - before
        assert model.most_under_way == 1
        assert (now() - began) / (TIMEOUT_S + LONGEST_PAUSE_S) - 2 <= probes <= 300 / TIMEOUT_S + 2
        model.away, back_at = False, now()
        while not model.closed:
            with pytest.raises(Retry):
                await model.ask()
            await asyncio.sleep(0.1)
        assert now() - back_at <= TIMEOUT_S + LONGEST_PAUSE_S + 0.1
        assert await model.ask("after") == "after"

    run(scenario())


def test_patience_is_counted_from_the_first_failure_of_the_model():
    """What comes four seconds later has one second left, not five."""

    async def scenario():
        model = Model("degrade", patience_s=5.0)
        waiting = await opened(model)
        failed_at = now()
        await asyncio.sleep(4.0)
        with pytest.raises(Retry):
            await model.ask()
        assert now() - failed_at <= 5.0 + TIMEOUT_S
        await asyncio.gather(*waiting, return_exceptions=True)

    run(scenario())


@pytest.mark.parametrize("policy", ["block", "degrade", "dead_letter"])
def test_in_a_silence_a_hung_model_is_away_until_it_answers_again(policy):
    """Nothing comes for an hour, and it is found out all the same."""

    async def scenario():
        model = Model(policy, patience_s=1.0)
        waiting = await opened(model)
        for task in waiting if policy != "block" else []:
            with pytest.raises(Retry):
                await task
        for task in waiting:
            task.cancel()
        model.most_under_way, before = 0, len(model.calls)
        for _ in range(360):
            await asyncio.sleep(10)
            assert model.value("model_circuit_open") == 1 and model.caller.away
        probes = len(model.calls) - before
        assert model.most_under_way <= 1
        assert 3600 / (TIMEOUT_S + LONGEST_PAUSE_S) - 2 <= probes <= 3600 / TIMEOUT_S + 2
        model.away = False
        await asyncio.sleep(TIMEOUT_S + LONGEST_PAUSE_S + 0.1)
        assert model.value("model_circuit_open") == 0 and model.closed
        after = len(model.calls)
        await asyncio.sleep(3600)
        assert len(model.calls) == after, "one that answers is not probed"
        assert await asyncio.gather(*map(model.ask, "abc")) == ["a", "b", "c"]

    run(scenario())


@pytest.mark.parametrize("policy", ["block", "degrade", "dead_letter"])
def test_when_its_server_is_seen_to_come_back_calls_wait_for_the_models_own_answer(policy):
    async def scenario():
        model = Model(policy, patience_s=0.0)
        await opened(model)
        while model.under_way:
            await asyncio.sleep(0.01)
        model.away = False
        model.caller.may_be_back()
        assert await asyncio.gather(*map(model.ask, "abc")) == ["a", "b", "c"]

    run(scenario())


def test_a_model_that_fails_half_the_time_gets_its_share_of_retries_and_no_more():
    async def scenario():
        model, turns = Model("block"), iter(range(10**9))
        model.fail_s = ANSWER_S
        model.fails = lambda caller: next(turns) % 2 == 0
        began = now()
        callers = 0

        async def client():
            nonlocal callers
            while now() - began < 60:
                callers += 1
                await model.ask(callers)

        await asyncio.gather(*(client() for _ in range(64)))
        retries = len(model.calls) - callers
        assert retries == model.value("model_retries_total")
        assert retries <= 0.2 * callers + RETRIES_PER_S * (now() - began) + BURST
        assert callers > 600  # and it is worked with

    run(scenario())


def test_block_drops_nothing_for_the_budgets_sake():
    async def scenario():
        model = Model("block")
        failures = {}

        def fails(caller):  # each call twice, but never many in a row
            failures[caller] = failures.get(caller, 0) + 1
            return failures[caller] <= 2 and caller % 4 != 0

        model.fails = fails
        return await asyncio.gather(*map(model.ask, range(200)))

    assert run(scenario()) == list(range(200))


def test_a_refused_batch_shows_that_the_model_answers():
    async def scenario():
        model = Model()
        waiting = await opened(model)

        async def refused():
            raise ModelRejected("intent", "bad tokens")

        model.away = False
        for task in waiting:
            task.cancel()
        with pytest.raises(ModelRejected):
            await model.caller.call(refused)
        assert model.closed

    run(scenario())


def test_a_probe_whose_caller_goes_away_leaves_its_turn_to_the_next():
    async def scenario():
        model = Model()
        waiting = await opened(model)
        await asyncio.sleep(TIMEOUT_S)  # what was under way when it opened
        for _ in range(15):
            while not model.under_way:
                await asyncio.sleep(0.01)
            prober = model.calls[-1][1]
            waiting[prober].cancel()
            await asyncio.wait([waiting[prober]])
        (last,) = [task for task in waiting if not task.done()]
        model.away = False
        await asyncio.wait_for(last, TIMEOUT_S + LONGEST_PAUSE_S)

    run(scenario())


def test_a_policy_that_changes_frees_those_who_wait():
    async def scenario():
        model = Model("block")
        waiting = await opened(model)
        await asyncio.sleep(60)
        model.caller.follow("degrade", 0.0)
        changed_at = now()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(result, Retry) for result in results)
        assert now() - changed_at <= TIMEOUT_S

    run(scenario())


def test_the_circuit_is_told_once_a_change(caplog):
    async def scenario():
        model = Model()
        assert (model.value("model_circuit_open"), FAILURES) == (0, 5)
        waiting = await opened(model)
        await asyncio.sleep(300)
        assert model.value("model_circuit_open") == 1
        model.away = False
        await asyncio.gather(*waiting)
        assert model.value("model_circuit_open") == 0
        assert model.value("model_circuit_openings_total") == 1

    with caplog.at_level(logging.INFO):
        run(scenario())
    told = [record.getMessage() for record in caplog.records if "circuit" in record.getMessage()]
    assert [line.partition("circuit ")[2].partition(" ")[0] for line in told] == ["open,", "closed"]
