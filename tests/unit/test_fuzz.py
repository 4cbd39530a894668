"""A short run of `python -m tests.fuzz`, and that it would see what is wrong."""

import re

import pytest

from tests.fuzz import account
from tests.fuzz.__main__ import fuzz
from worker import event as events
from worker.errors import Reject


def test_what_takes_square_time_is_found(monkeypatch):
    quadratic = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[][{}]', re.S)
    monkeypatch.setattr(events, "_BRACKETS", quadratic)
    with pytest.raises(AssertionError, match="bytes took"):
        account.account_large(b'{"query":"red","a":[' + b"[]," * 70 + b'"' + b'\\"' * 8_000)


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
