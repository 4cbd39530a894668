"""An answer is believed only if a model of that kind can give it."""

import numpy as np
import pytest

from tests.servers.models import batch, build, expected
from worker.errors import InvalidAnswer
from worker.inference.tensors import check_answer


@pytest.fixture(scope="module")
def contracts(tmp_path_factory):
    return {c.name: c for c in build(tmp_path_factory.mktemp("models"))}


@pytest.mark.parametrize("model", ["intent", "encoder", "matching"])
def test_a_good_answer_is_returned_as_it_is(contracts, model):
    inputs = batch(contracts[model], 32, 8)
    values = expected(contracts[model], inputs).astype(np.float32)
    assert check_answer(contracts[model], inputs, values) is values


UNIT = np.eye(6, dtype=np.float32)[:3]


@pytest.mark.parametrize(
    ("model", "values", "reason"),
    [
        ("intent", None, "no output probabilities"),
        ("intent", np.full((3, 5), 0.2), "float64"),
        ("intent", np.full((2, 5), 0.2, np.float32), r"\[2, 5\]"),
        ("intent", np.full((3, 4), 0.25, np.float32), r"\[3, 4\]"),
        ("intent", np.zeros(15, np.float32), r"\[15\]"),
        ("intent", np.full((3, 5), np.nan, np.float32), "not finite"),
        ("intent", np.full((3, 5), np.inf, np.float32), "not finite"),
        ("intent", np.zeros((3, 5), np.float32), "do not sum to 1"),
        ("intent", np.full((3, 5), 0.21, np.float32), "do not sum to 1"),
        ("intent", np.tile(np.float32([1.5, -0.5, 0, 0, 0]), (3, 1)), "not from 0 to 1"),
        ("encoder", 1.1 * UNIT, "unit length"),
        ("encoder", np.concatenate([UNIT[:2], UNIT[:1] * 0]), "unit length"),
        ("matching", np.full((3, 1), 1.1, np.float32), "not from 0 to 1"),
        ("matching", np.full((3, 1), -0.1, np.float32), "not from 0 to 1"),
    ],
)
def test_any_other_answer_is_invalid_and_says_so_with_the_remedy(contracts, model, values, reason):
    inputs = batch(contracts[model], 3, 8)
    with pytest.raises(InvalidAnswer, match=f"{reason}.*; check the served model") as caught:
        check_answer(contracts[model], inputs, values)
    assert caught.value.divisible


@pytest.mark.parametrize("model", ["intent", "encoder", "matching"])
def test_one_answer_to_eight_different_inputs_is_invalid_and_fewer_would_not_show_it(
    contracts, model
):
    inputs = batch(contracts[model], 8, 8)
    one = expected(contracts[model], inputs).astype(np.float32)[:1]
    with pytest.raises(InvalidAnswer, match="same answer to all of 8 inputs") as caught:
        check_answer(contracts[model], inputs, np.repeat(one, 8, axis=0))
    assert not caught.value.divisible
    fewer = {name: tensor[:7] for name, tensor in inputs.items()}
    check_answer(contracts[model], fewer, np.repeat(one, 7, axis=0))
    equal = {name: np.repeat(tensor[:1], 8, axis=0) for name, tensor in inputs.items()}
    check_answer(contracts[model], equal, np.repeat(one, 8, axis=0))
