"""A step that calls a model: batches, retries, splits, and falls back by its policy."""

import asyncio
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triton_models.contract import load
from worker.config.settings import STARTER_MODELS
from worker.errors import ModelRejected, ModelTimeout, ModelUnavailable
from worker.inference.port import Answer
from worker.metrics import Metrics
from worker.understanding import circuit_breaker as breaker_module
from worker.understanding.retry import ModelCaller
from worker.understanding.stage import Stage
from worker.understanding.tokenize import TextTokenizer

CONTRACT = load(STARTER_MODELS / "intent")
TEXTS_OF = TextTokenizer(CONTRACT.tokenizer)
HAT, SHOES = (set(np.frombuffer(ids, np.int64).tolist()) for ids in TEXTS_OF.ids(["hat", "shoes"]))
HAT -= SHOES
TEXTS = [f"red shoes number {'very ' * (n % 9)}{n}" for n in range(150)]


class Scripted:
    """An inference port whose failures the test chooses; each row's answer is its first id."""

    def __init__(self, failures=(), poison=()):
        self.failures, self.poison = list(failures), set(poison)
        self.calls: list[tuple[int, int]] = []

    async def infer(self, model, inputs):
        ids = inputs["input_ids"]
        self.calls.append(ids.shape)
        if self.failures:
            raise self.failures.pop(0)
        if any(self.poison & set(row.tolist()) for row in ids):
            raise ModelRejected(model, "poison")
        values = np.zeros((len(ids), sum(CONTRACT.outputs.values())), np.float32)
        values[:, 0] = inputs["attention_mask"].sum(1)
        return Answer(values, "7")


def run(inference, texts, policy="block", patience_s=0.0, metrics=None):
    metrics = metrics or Metrics()
    caller = ModelCaller("intent", policy, patience_s, metrics)
    stage = Stage(CONTRACT, inference, caller, TEXTS_OF, metrics, max_calls=8)
    return asyncio.run(ask(stage, texts))


async def ask(stage, texts):
    return await stage.answers(stage.sequences.singles(texts))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(breaker_module, "FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr(breaker_module, "LONGEST_PAUSE_S", 0.0)


def test_rows_come_back_in_the_callers_order_whatever_the_batches():
    lengths = [len(ids) // 8 + 2 for ids in TEXTS_OF.ids(TEXTS)]
    inference = Scripted()
    rows = run(inference, TEXTS)
    assert rows.values[:, 0].tolist() == lengths
    assert set(rows.versions) == {"7"}
    assert all(n <= CONTRACT.max_batch_size for n, _ in inference.calls)
    assert {length for _, length in inference.calls} <= set(CONTRACT.length_buckets)


def test_a_text_longer_than_the_model_is_cut():
    rows = run(Scripted(), ["word " * 500])
    assert rows.values[0, 0] == CONTRACT.max_length


def test_block_retries_until_the_model_is_back():
    away = [ModelUnavailable("away")] * 9 + [ModelTimeout("late")]
    metrics = Metrics()
    rows = run(Scripted(away), TEXTS[:3], metrics=metrics)
    assert rows.versions == ["7"] * 3
    outcomes = {
        s.labels["outcome"]: s.value
        for s in metrics.model_calls.collect()[0].samples
        if s.name.endswith("_total")
    }
    assert outcomes == {"ModelUnavailable": 9, "ModelTimeout": 1, "ok": 1}


def test_degrade_goes_on_without_the_model():
    rows = run(Scripted([ModelUnavailable("away")] * 9), TEXTS[:3], "degrade")
    assert all(rows.missing(row) for row in range(3))
    assert not rows.rejected


def test_dead_letter_rejects_what_the_model_did_not_see():
    rows = run(Scripted([ModelUnavailable("away")] * 9), TEXTS[:3], "dead_letter")
    assert {row: error.reason for row, error in rows.rejected.items()} == dict.fromkeys(
        range(3), "model_unavailable"
    )


def test_a_refused_batch_is_split_until_the_input_at_fault_stands_alone():
    texts = ["red shoes"] * 20 + ["red hat"] + ["red shoes"] * 11
    inference = Scripted(poison=HAT)
    rows = run(inference, texts)
    assert list(rows.rejected) == [20]
    assert [row for row, version in enumerate(rows.versions) if not version] == [20]
    assert len(inference.calls) <= 2 * 5 + 1  # the whole, then two halves at each of log2(32)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), count=st.integers(1, CONTRACT.max_batch_size))
def test_k_bad_inputs_among_n_cost_k_times_log_n_calls_and_nobody_elses_answer(data, count):
    bad = data.draw(st.sets(st.integers(0, count - 1), max_size=4))
    inference = Scripted(poison=HAT)
    rows = run(inference, ["red hat" if n in bad else "red shoes" for n in range(count)])
    assert set(rows.rejected) == bad
    assert {row for row, version in enumerate(rows.versions) if not version} == bad
    assert len(inference.calls) <= 1 + len(bad) * 2 * math.ceil(math.log2(count))
    # None is rejected for its neighbours' sake: each bad one was also asked alone.
    assert sum(shape[0] == 1 for shape in inference.calls) >= len(bad)


def test_nothing_to_ask_asks_nothing():
    inference = Scripted()
    assert run(inference, []).values.shape == (0, sum(CONTRACT.outputs.values()))
    assert inference.calls == []
