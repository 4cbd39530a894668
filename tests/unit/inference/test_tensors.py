"""An answer is believed only if it is what the contract says."""

import numpy as np
import pytest

from tests.servers.models import build
from worker.errors import ModelRejected
from worker.inference.tensors import check_answer


@pytest.fixture(scope="module")
def intent(tmp_path_factory):
    return {c.name: c for c in build(tmp_path_factory.mktemp("models"))}["intent"]


def test_a_good_answer_is_returned_as_it_is(intent):
    values = np.full((3, 5), 0.2, np.float32)
    assert check_answer(intent, 3, values) is values


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (None, "no output probabilities"),
        (np.zeros((3, 5), np.float64), "float64"),
        (np.zeros((2, 5), np.float32), r"\[2, 5\]"),
        (np.zeros((3, 4), np.float32), r"\[3, 4\]"),
        (np.zeros(15, np.float32), r"\[15\]"),
        (np.full((3, 5), np.nan, np.float32), "not finite"),
        (np.full((3, 5), np.inf, np.float32), "not finite"),
    ],
)
def test_any_other_answer_is_rejected(intent, values, told):
    with pytest.raises(ModelRejected, match=told):
        check_answer(intent, 3, values)
