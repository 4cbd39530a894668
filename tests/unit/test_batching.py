"""Rows of all who ask for a model gather in one queue; the clock is the test's."""

import asyncio

import numpy as np

from tests.virtual_time import now, run
from triton_models.contract import load
from worker.config.settings import STARTER_MODELS
from worker.inference.port import Answer
from worker.metrics import Metrics
from worker.understanding.batching import MAX_AGE_S
from worker.understanding.limits import OBJECTIVE_S, Limits
from worker.understanding.retry import ModelCaller
from worker.understanding.stage import Stage
from worker.understanding.tokenize import TextTokenizer

CONTRACT = load(STARTER_MODELS / "intent")
TEXTS_OF = TextTokenizer(CONTRACT.tokenizer)
ANSWER_S = 0.01


class Server:
    """Answers after ANSWER_S, `parallel` calls at a time; the others wait."""

    def __init__(self, parallel=64):
        self.places = asyncio.Semaphore(parallel)
        self.calls = []  # (when, rows)
        self.under_way = self.most_under_way = 0

    async def infer(self, model, inputs):
        self.calls.append((now(), len(inputs["input_ids"])))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        async with self.places:
            await asyncio.sleep(ANSWER_S)
        self.under_way -= 1
        values = np.zeros((len(inputs["input_ids"]), CONTRACT.dimension), np.float32)
        values[:, 0] = inputs["attention_mask"].sum(axis=1)
        return Answer(values, "1")


def staged(server, max_calls=8):
    metrics = Metrics()
    caller = ModelCaller("intent", "block", 5.0, max_calls, metrics)
    return Stage(CONTRACT, server, caller, TEXTS_OF, metrics)


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
        stage, began = staged(server := Server()), now()
        asked = [asyncio.create_task(ask(stage, "red shoes"))]
        for _ in range(3):
            await asyncio.sleep(MAX_AGE_S / 4)
            asked.append(asyncio.create_task(ask(stage, "red shoes")))
        await asyncio.gather(*asked)
        (_, first), (at, second) = server.calls
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


def calls_settled(parallel, max_calls=8):
    async def scenario():
        stage = staged(server := Server(parallel), max_calls)
        full = ["red shoes"] * CONTRACT.max_batch_size

        async def client():
            until = now() + 5
            while now() < until:
                await ask(stage, *full)

        await asyncio.gather(*(client() for _ in range(16)))
        return server

    return run(scenario())


def test_calls_under_way_are_as_many_as_the_server_works_on_and_a_few_that_wait():
    assert calls_settled(parallel=1).most_under_way <= 1 + 4
    server = calls_settled(parallel=8)
    assert server.most_under_way == 8
    assert len(server.calls) >= 0.95 * 8 * 5 / ANSWER_S


def test_calls_under_way_are_never_more_than_configured():
    assert calls_settled(parallel=8, max_calls=3).most_under_way == 3


def test_a_call_that_takes_long_gets_smaller_and_a_small_one_proves_nothing():
    limits = Limits(8, 64, 64)
    for _ in range(100):
        limits.answered(8, 10 * OBJECTIVE_S, 1, 0.0)
    assert limits.rows(64) == 64
    for _ in range(100):
        rows = limits.rows(64)
        limits.answered(64 * rows, rows * OBJECTIVE_S / 16, 1, 0.0)
    assert 12 <= limits.rows(64) <= 17
    for _ in range(300):
        rows = limits.rows(64)
        limits.answered(64 * rows, rows * OBJECTIVE_S / 1000, 1, 0.0)
    assert limits.rows(64) == 64
