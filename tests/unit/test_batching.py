"""Rows of all who ask for a model gather in one queue; the clock is the test's."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from tests.virtual_time import now, run
from triton_models.contract import load
from worker.config.settings import STARTER_MODELS
from worker.inference.port import Answer
from worker.metrics import Metrics
from worker.understanding.batching import MAX_AGE_S
from worker.understanding.limits import MOST_WAITING, OBJECTIVE_S, PROBE_S, Limits
from worker.understanding.retry import ModelCaller
from worker.understanding.stage import Stage
from worker.understanding.tokenize import TextTokenizer

# Smaller calls than the model takes, so that thousands are made quickly.
CONTRACT = replace(load(STARTER_MODELS / "intent"), max_batch_size=64)
TEXTS_OF = TextTokenizer(CONTRACT.tokenizer)
ANSWER_S = 0.01


class Server:
    """Computes `parallel` calls at a time, each ANSWER_S and `row_s` a row; the others wait."""

    def __init__(self, parallel=64, answer_s=ANSWER_S, row_s=0.0):
        self.places, self.parallel = asyncio.Semaphore(parallel), parallel
        self.answer_s, self.row_s = answer_s, row_s
        self.calls = []  # (when, rows)
        self.under_way = self.most_under_way = 0
        self.busy_s = 0.0

    async def infer(self, model, inputs):
        self.calls.append((now(), len(inputs["input_ids"])))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        async with self.places:
            await asyncio.sleep(took_s := self.answer_s + self.row_s * len(inputs["input_ids"]))
        self.busy_s += took_s
        self.under_way -= 1
        values = np.zeros((len(inputs["input_ids"]), sum(CONTRACT.outputs.values())), np.float32)
        values[:, 0] = inputs["attention_mask"].sum(axis=1)
        return Answer(values, "1")


def staged(server, max_calls=8):
    metrics = Metrics()
    caller = ModelCaller("intent", "block", 5.0, metrics)
    return Stage(CONTRACT, server, caller, TEXTS_OF, metrics, max_calls)


async def ask(stage, *texts):
    return await stage.answers(stage.sequences.singles(texts))


def test_a_row_is_sent_at_once_when_nothing_is_under_way():
    async def scenario():
        stage, began = staged(server := Server()), now()
        await ask(stage, "red shoes")
        assert server.calls == [(began, 1)]

    run(scenario())


def test_what_comes_together_from_all_who_ask_travels_together():
    async def scenario():
        stage = staged(server := Server())
        await asyncio.gather(*(ask(stage, "red shoes") for _ in range(20)))
        assert [rows for _, rows in server.calls] == [20]

    run(scenario())


def test_while_a_call_is_under_way_rows_gather_for_a_little_while():
    async def scenario():
        stage = staged(server := Server())
        await ask(stage, "red shoes")  # now it is known how long a call takes
        began = now()
        asked = [asyncio.create_task(ask(stage, "red shoes"))]
        for _ in range(3):
            await asyncio.sleep(MAX_AGE_S / 4)
            asked.append(asyncio.create_task(ask(stage, "red shoes")))
        await asyncio.gather(*asked)
        _, (_, first), (at, second) = server.calls
        assert (first, second) == (1, 3)
        assert at - began <= 1.5 * MAX_AGE_S

    run(scenario())


def test_a_full_call_does_not_wait():
    async def scenario():
        stage, began = staged(server := Server()), now()
        await ask(stage, *["red shoes"] * (CONTRACT.max_batch_size + 1))
        assert [rows for _, rows in server.calls] == [CONTRACT.max_batch_size, 1]
        assert now() - began < 2 * ANSWER_S

    run(scenario())


def test_everyone_gets_their_own_answers_whatever_travels_together():
    async def scenario():
        stage = staged(Server())

        async def client(seed):
            chance = np.random.default_rng(seed)
            for _ in range(5):
                texts = ["shoe " * n for n in chance.integers(1, 70, chance.integers(1, 90))]
                rows = await ask(stage, *texts)
                lengths = [min(len(text.split()) + 2, CONTRACT.max_length) for text in texts]
                assert rows.values[:, 0].tolist() == lengths
                assert set(rows.versions) == {"1"}

        await asyncio.gather(*map(client, range(20)))

    run(scenario())


def test_one_who_is_cancelled_leaves_the_others_their_answers():
    async def scenario():
        stage = staged(server := Server())
        gone, stays = (asyncio.create_task(ask(stage, "red shoes")) for _ in range(2))
        await asyncio.sleep(ANSWER_S / 2)
        gone.cancel()
        assert (await stays).versions == ["1"]
        alone = asyncio.create_task(ask(stage, "red shoes"))
        await asyncio.sleep(ANSWER_S / 2)
        alone.cancel()
        await asyncio.wait([alone])
        await asyncio.sleep(0)
        assert not stage._batcher._tasks  # nobody wants that call any more
        assert len(server.calls) == 2

    run(scenario())


async def backlog(stage, seconds):
    """More rows than the model can answer, all the time."""
    full = stage.sequences.singles(["red shoes"] * CONTRACT.max_batch_size)
    until = now() + seconds

    async def client():
        while now() < until:
            await stage.answers(full)

    await asyncio.gather(*(client() for _ in range(16)))


def calls_settled(parallel, max_calls=8):
    async def scenario():
        await backlog(staged(server := Server(parallel), max_calls), 5)
        return server

    return run(scenario())


def test_calls_under_way_are_as_many_as_the_server_works_on_and_a_few_that_wait():
    assert calls_settled(parallel=1).most_under_way <= 1 + 4
    server = calls_settled(parallel=8)
    assert server.most_under_way == 8
    assert len(server.calls) >= 0.95 * 8 * 5 / ANSWER_S


def test_calls_under_way_are_never_more_than_configured():
    assert calls_settled(parallel=8, max_calls=3).most_under_way == 3


@pytest.mark.parametrize("instances", [1, 2, 4])
@pytest.mark.parametrize("times", [(0.005, 0.0), (0.0, 0.0015), (0.1, 0.0), (0.002, 0.0001)])
def test_a_backlog_keeps_all_instances_busy_and_few_calls_wait(instances, times):
    async def scenario():
        stage = staged(server := Server(instances, *times))
        asked = asyncio.create_task(backlog(stage, 31))
        await asyncio.sleep(5)
        server.busy_s, server.most_under_way = 0.0, 0
        await asyncio.sleep(25)
        assert server.busy_s >= 0.95 * instances * 25
        assert server.most_under_way <= instances + MOST_WAITING
        await asked

    run(scenario())


def test_a_model_that_became_slower_keeps_its_instances_busy():
    async def scenario():
        stage = staged(server := Server(6, 0.005))
        await backlog(stage, 5)
        server.answer_s = 0.05
        asked = asyncio.create_task(backlog(stage, 6 * PROBE_S + 11))
        await asyncio.sleep(6 * PROBE_S)
        server.busy_s = 0.0
        await asyncio.sleep(10)
        assert server.busy_s >= 0.95 * 6 * 10
        await asked

    run(scenario())


def test_at_a_small_load_calls_are_few_and_no_row_waits_for_more_than_half_of_one():
    """Each call costs the worker and the server CPU, whatever its size."""

    async def scenario():
        stage, chance = staged(server := Server(8, 0.005)), np.random.default_rng(7)
        await ask(stage, "red shoes")
        took, tasks = [], []

        async def one():
            began = now()
            await ask(stage, "red shoes")
            took.append(now() - began)

        for _ in range(4000):
            await asyncio.sleep(chance.exponential(0.0008))
            tasks.append(asyncio.create_task(one()))
        await asyncio.gather(*tasks)
        assert len(server.calls) <= 2 * 4000 * 0.0008 / 0.005 * 1.05
        assert np.quantile(took, 0.99) <= 0.005 + 0.004

    run(scenario())


def test_rows_of_several_lengths_that_do_not_fill_a_call_travel_together():
    async def scenario():
        stage = staged(server := Server())
        texts = ["red shoes"] * 8 + ["red shoes with a very long name indeed"] * 8
        await ask(stage, *texts)
        assert [rows for _, rows in server.calls] == [16]
        await ask(stage, *["red shoes"] * 40, "shoe " * 60)  # that would be padded eight times
        assert sorted(rows for _, rows in server.calls[1:]) == [1, 40]

    run(scenario())


def test_a_call_that_takes_long_gets_smaller_and_a_small_one_proves_nothing():
    limits = Limits(8, 64, 64)
    for _ in range(100):
        rows = limits.rows(64)
        limits.answered(64 * rows, 0.001, 1, True, 0.0)
    assert limits.rows(64) == 64
    for _ in range(100):
        limits.answered(8, 10 * OBJECTIVE_S, 1, True, 0.0)
    assert limits.rows(64) == 64
    for _ in range(100):
        rows = limits.rows(64)
        limits.answered(64 * rows, rows * OBJECTIVE_S / 16, 1, True, 0.0)
    assert 12 <= limits.rows(64) <= 17
    for _ in range(300):
        rows = limits.rows(64)
        limits.answered(64 * rows, rows * OBJECTIVE_S / 1000, 1, True, 0.0)
    assert limits.rows(64) == 64
