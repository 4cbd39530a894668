"""A short run of `python -m tests.fuzz`, and that it would see what is wrong."""

import re
from pathlib import Path

import pytest

from tests.fuzz import account
from tests.fuzz.__main__ import fuzz
from tests.fuzz.inputs import values
from worker import event as events
from worker.commands.dead_letters.view import REMEDIES
from worker.errors import Reject

README = Path(__file__).parents[2] / "README.md"


def test_what_takes_square_time_is_found(monkeypatch):
    def quadratic(value: bytes) -> bool:
        return any(value.count(b"[", at) > 10**9 for at in range(len(value)))

    monkeypatch.setattr(events, "nested_too_deeply", quadratic)
    with pytest.raises(AssertionError, match="bytes took"):
        account.account_large(b'{"query":"red","a":[%b1]}' % (b"[]," * 30_000))


def test_every_reason_of_decode_is_listed_for_users():
    listed = re.search(r"Types: (.*?)\. ", README.read_text(), re.S)[1]
    assert set(re.findall(r"`(\w+)`", listed)) >= account.REASONS
    assert REMEDIES.keys() >= account.REASONS


def test_the_values_of_a_seed_are_the_same_each_time():
    drawn = list(values(2000, seed=7))
    assert drawn == list(values(2000, seed=7)) and len(drawn) == 2000
    assert None in drawn and max(len(value or b"") for value in drawn) > 50_000


def test_every_input_is_accounted_for():
    outcomes = fuzz(50_000, seed=20261121)
    assert outcomes.total() == 50_000
    assert set(outcomes) == {"output", *account.REASONS}, "all that can happen did"


@pytest.mark.parametrize("defect", ["number", "order", "name", "reason", "crash"])
def test_what_is_wrong_is_found(defect, monkeypatch):
    real = account.published

    def wrong(value):
        event, form, output = real(value)
        if defect == "number":
            output = output.replace(b"1.10", b"1.1")
        elif defect == "order":
            at = output.index(b',"schema_version"')
            output = b"{%b,%b}" % (output[at + 1 : -1], output[1:at])
        elif defect == "name":
            output = output.replace(b'"price"', b'"cost"')
        elif defect == "reason":
            raise Reject("decode", "because", "of nothing")
        else:
            raise KeyError(value)
        return event, form, output

    monkeypatch.setattr(account, "published", wrong)
    with pytest.raises(AssertionError, match="seed 5, "):
        fuzz(5000, seed=5)
