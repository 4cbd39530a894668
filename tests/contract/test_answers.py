"""Every implementation gives the same answers, and refuses the same batches in the same way."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import pkgutil
from dataclasses import replace

import numpy as np
import pytest

import worker.inference
from tests.contract.subjects import IMPLEMENTATIONS
from tests.servers.models import batch, expected, expected_tags
from worker.errors import InvalidAnswer, ModelRejected, ModelUnavailable

SHAPES = [(1, 8), (5, 16), (64, 32), (64, 64), (3, 5)]


def test_every_implementation_is_in_this_suite():
    names = [f"worker.inference.{m.name}" for m in pkgutil.iter_modules(worker.inference.__path__)]
    found = {
        value.__name__
        for name in names
        for value in vars(importlib.import_module(name)).values()
        if inspect.isclass(value) and value.__module__ == name and hasattr(value, "infer")
    }
    assert found - {"Inference"} == set(IMPLEMENTATIONS) - {"FakeInference"}


@pytest.mark.parametrize("name", ["intent", "encoder", "matching"])
def test_answers_are_the_models_own(subject, name):
    contract = subject.contracts[name]

    async def test(inference):
        for rows, length in SHAPES:
            inputs = batch(contract, rows, length)
            answer = await inference.infer(name, inputs)
            assert answer.values.dtype == np.float32
            np.testing.assert_allclose(answer.values, expected(contract, inputs), atol=1e-5)
            assert answer.version == "3"
            if name == "intent":
                assert answer.tags.dtype == np.float32
                np.testing.assert_allclose(answer.tags, expected_tags(inputs), atol=1e-5)
            else:
                assert answer.tags is None

    subject.run(test)


def test_concurrent_calls_get_their_own_answers(subject):
    """Of different models, sizes and lengths, many more than may be in flight."""
    contracts = list(subject.contracts.values())

    async def test(inference):
        async def call(seed: int) -> None:
            contract = contracts[seed % 3]
            inputs = batch(contract, 1 + seed % 7, (8, 16, 32)[seed % 4 % 3], seed)
            answer = await inference.infer(contract.name, inputs)
            np.testing.assert_allclose(answer.values, expected(contract, inputs), atol=1e-5)

        await asyncio.gather(*(call(seed) for seed in range(200)))

    subject.run(test)


def bad_batches(contract):
    good = batch(contract, 4, 8)
    ids, mask = good["input_ids"], good["attention_mask"]
    yield "too many rows", batch(contract, contract.max_batch_size + 1, 8)
    yield "too long", batch(contract, 2, contract.max_length + 1)
    yield "no rows", {name: tensor[:0] for name, tensor in good.items()}
    yield "no tokens", {name: tensor[:, :0] for name, tensor in good.items()}
    yield "int32", good | {"input_ids": ids.astype(np.int32)}
    yield "floats", good | {"attention_mask": mask.astype(np.float32)}
    yield "one dimension", {name: tensor[0] for name, tensor in good.items()}
    yield "shapes differ", good | {"attention_mask": mask[:, :4]}
    yield "an input is missing", {"input_ids": ids}
    yield "an input too many", good | {"extra": ids}
    yield "a token that is not in the vocabulary", good | {"input_ids": ids + 1000}


def test_bad_batches_are_rejected_and_do_no_harm(subject):
    contract = subject.contracts["intent"]
    good = batch(contract, 4, 8)

    async def test(inference):
        for what, inputs in bad_batches(contract):
            with pytest.raises(ModelRejected) as caught:
                await inference.infer("intent", inputs)
            assert caught.value.stage == "intent", what
        answer = await inference.infer("intent", good)
        np.testing.assert_allclose(answer.values, expected(contract, good), atol=1e-5)

    subject.run(test)


def test_a_bad_batch_among_good_ones_fails_alone(subject):
    contract = subject.contracts["intent"]
    good, bad = batch(contract, 2, 8), batch(contract, 2, 8)
    bad["input_ids"] = bad["input_ids"] + 1000

    async def test(inference):
        calls = [inference.infer("intent", bad if n % 5 == 0 else good) for n in range(50)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        for number, answer in enumerate(answers):
            if number % 5 == 0:
                assert isinstance(answer, ModelRejected)
            else:
                np.testing.assert_allclose(answer.values, expected(contract, good), atol=1e-5)

    subject.run(test)


def test_an_answer_of_another_shape_is_invalid(subject):
    wrong = replace(subject.contracts["intent"], dimension=7)

    async def test(inference):
        with pytest.raises(InvalidAnswer, match=r"\[2, 7\]"):
            await inference.infer("intent", batch(wrong, 2, 8))

    subject.run(test, contracts=[wrong])


def test_an_answer_that_is_not_a_number_is_invalid(subject):
    contract = subject.contracts["intent"]
    inputs = batch(contract, 4, 8)

    async def test(inference):
        with pytest.raises(InvalidAnswer, match="not finite.*export it again"):
            await inference.infer("intent", inputs | {"attention_mask": inputs["input_ids"] * 0})

    subject.run(test)


def test_answers_to_equal_inputs_may_be_equal(subject):
    contract = subject.contracts["intent"]
    inputs = {name: np.repeat(t[:1], 16, axis=0) for name, t in batch(contract, 1, 8).items()}

    async def test(inference):
        answer = await inference.infer("intent", inputs)
        np.testing.assert_allclose(answer.values, expected(contract, inputs), atol=1e-5)

    subject.run(test)


def test_an_unknown_model_is_unavailable(subject):
    """It may be loading: a stream waits for it instead of losing its records."""
    intent = subject.contracts["intent"]

    async def test(inference):
        with pytest.raises(ModelUnavailable, match="absent"):
            await inference.infer("absent", batch(intent, 1, 8))

    subject.run(test)
