"""A model that fails on large calls only: they are halved, and the size that went through is kept.

The clock is the test's, so that timeouts take no time.
"""

import asyncio

import numpy as np
import pytest

from tests.virtual_time import now, run
from triton_models.contract import load
from worker.config.settings import STARTER_MODELS
from worker.errors import InvalidAnswer, ModelFailed, ModelTimeout
from worker.inference.port import Answer
from worker.metrics import Metrics
from worker.understanding.limits import HOLD_S
from worker.understanding.retry import ModelCaller
from worker.understanding.stage import Stage
from worker.understanding.tokenize import TextTokenizer

CONTRACT = load(STARTER_MODELS / "intent")
TEXTS_OF = TextTokenizer(CONTRACT.tokenizer)
TIMEOUT_S = 2.0


class Slow:
    """Needs time for each row, and times out after TIMEOUT_S."""

    def __init__(self, row_s):
        self.row_s = row_s
        self.sizes = []

    async def infer(self, model, inputs):
        rows = len(inputs["input_ids"])
        self.sizes.append(rows)
        await asyncio.sleep(min(rows * self.row_s, TIMEOUT_S))
        if rows * self.row_s > TIMEOUT_S:
            raise ModelTimeout("no answer in 2 s")
        return Answer(np.ones((rows, sum(CONTRACT.outputs.values())), np.float32), "7")


class OutOfMemory(Slow):
    """Fails at once on more than `most` rows."""

    def __init__(self, most, error=ModelFailed):
        super().__init__(0.001)
        self.most, self.error = most, error

    async def infer(self, model, inputs):
        if len(inputs["input_ids"]) > self.most:
            self.sizes.append(len(inputs["input_ids"]))
            raise self.error("intent", "out of memory")
        return await super().infer(model, inputs)


class Poisoned(Slow):
    """Gives no valid answer to rows of the length of the text "poison"."""

    def __init__(self, text):
        super().__init__(0.001)
        self.length = len(TEXTS_OF.ids([text])[0]) // 8 + 2

    async def infer(self, model, inputs):
        answer = await super().infer(model, inputs)
        if (inputs["attention_mask"].sum(axis=1) == self.length).any():
            raise InvalidAnswer("intent", "values that are not finite")
        return answer


class Constant(Slow):
    def __init__(self):
        super().__init__(0.001)
        self.sound = False

    async def infer(self, model, inputs):
        answer = await super().infer(model, inputs)
        if not self.sound:
            raise InvalidAnswer("intent", "the same answer to all", divisible=False)
        return answer


def staged(inference):
    metrics = Metrics()
    caller = ModelCaller("intent", "block", 5.0, metrics)
    return Stage(CONTRACT, inference, caller, TEXTS_OF, metrics, max_calls=8)


async def ask(stage, count, text="red shoes"):
    return await stage.answers(stage.sequences.singles([text] * count))


@pytest.mark.parametrize("count", [12, 64])
def test_a_batch_that_never_is_answered_in_time_is_halved_though_nothing_else_is_asked(count):
    async def scenario():
        stage = staged(inference := Slow(0.3))
        rows = await asyncio.wait_for(ask(stage, count), 120)
        assert set(rows.versions) == {"7"} and not rows.rejected
        return inference.sizes

    sizes = run(scenario())
    assert sum(size for size in sizes if size * 0.3 <= TIMEOUT_S) == count


@pytest.mark.parametrize("error", [ModelFailed, InvalidAnswer])
def test_what_proved_too_large_is_not_tried_again_for_a_while_and_then_grows_slowly(error):
    async def scenario():
        stage = staged(inference := OutOfMemory(10, error))
        assert set((await ask(stage, 64)).versions) == {"7"}
        inference.sizes.clear()
        until = now() + HOLD_S - 1
        while now() < until:
            await ask(stage, 64)
        assert max(inference.sizes) <= 8  # the largest half that went through
        inference.sizes.clear()
        while max(inference.sizes, default=0) <= 10:
            await ask(stage, 64)
        assert max(inference.sizes) < 32  # not at once the 64 that there are
        assert set((await ask(stage, 64)).versions) == {"7"}

    run(scenario())


def test_a_model_that_is_away_does_not_shrink_its_batches():
    async def scenario():
        stage = staged(inference := Slow(0.001))
        inference.row_s = 10.0
        asked = asyncio.create_task(ask(stage, 1))
        await asyncio.sleep(60)
        inference.row_s = 0.001
        await asked
        inference.sizes.clear()
        await ask(stage, 64)
        assert inference.sizes == [64]

    run(scenario())


def test_an_input_without_a_valid_answer_is_rejected_alone_once_others_have_theirs():
    async def scenario():
        text = "very very very red shoes"
        stage = staged(Poisoned(text))
        poison = asyncio.create_task(ask(stage, 1, text))
        mixed = asyncio.create_task(
            stage.answers(stage.sequences.singles(["red hat"] * 9 + [text]))
        )
        while not (poison.done() and mixed.done()):
            await ask(stage, 4)
            await asyncio.sleep(0.1)
        assert poison.result().rejected[0].reason == "model_rejected"
        assert list(mixed.result().rejected) == [9]
        assert mixed.result().versions[:9] == ["7"] * 9

    run(scenario())


def test_a_model_that_answers_the_same_to_all_is_not_asked_in_parts_that_would_hide_it():
    async def scenario():
        stage = staged(inference := Constant())
        asked = asyncio.create_task(ask(stage, 64))
        await asyncio.sleep(600)
        assert not asked.done() and set(inference.sizes) == {64}
        inference.sound = True
        assert set((await asked).versions) == {"7"}

    run(scenario())


def test_a_model_without_a_valid_answer_to_anything_has_nothing_rejected():
    async def scenario():
        stage = staged(inference := OutOfMemory(0, InvalidAnswer))
        asked = asyncio.create_task(ask(stage, 3))
        await asyncio.sleep(600)
        assert not asked.done()
        inference.most = 64
        rows = await asked
        assert rows.versions == ["7"] * 3 and not rows.rejected

    run(scenario())
