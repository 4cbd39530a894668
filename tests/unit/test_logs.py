"""An outage is reported in a few lines, however often it is met."""

import logging

import pytest

from worker import logs
from worker.config.settings import Logging

EVERY_S = 10.0


@pytest.fixture
def clock(monkeypatch):
    """Time that passes only when the test says so: `clock[0]`, seconds."""
    now = [1000.0]
    monkeypatch.setattr(logs, "monotonic", lambda: now[0])
    return now


def test_a_flood_of_equal_warnings_is_a_few_lines_that_say_how_many(caplog, clock):
    seldom = logs.Seldom(logging.getLogger("flood"), EVERY_S)
    for number in range(1500):
        seldom.warning("broker", "Kafka: %s", f"down, {number}")
        clock[0] += EVERY_S / 640  # exact in binary
    assert [record.getMessage() for record in caplog.records] == [
        "Kafka: down, 0",
        "Kafka: down, 640 (and 639 times before, not shown)",
        "Kafka: down, 1280 (and 639 times before, not shown)",
    ]


def test_what_is_held_back_is_written_at_the_end(caplog):
    logger = logging.getLogger("screen")
    with logs.buffered():
        logger.warning("Triton is %s", "away")
        assert caplog.records == []
    logger.warning("later")
    assert [record.getMessage() for record in caplog.records] == ["Triton is away", "later"]


def test_what_is_seldom_is_logged_each_time_and_without_a_count(caplog, clock):
    seldom = logs.Seldom(logging.getLogger("flood"), EVERY_S)
    for _ in range(3):
        seldom.warning("broker", "Kafka: %s", "50 % down")
        clock[0] += EVERY_S
    assert [record.getMessage() for record in caplog.records] == ["Kafka: 50 % down"] * 3


def test_one_flood_does_not_hide_another_thing(caplog, clock):
    seldom = logs.Seldom(logging.getLogger("flood"), EVERY_S)
    for thing in ("broker", "model") * 500:
        seldom.warning(thing, "%s is away", thing)
    assert [record.getMessage() for record in caplog.records] == [
        *("broker is away", "model is away")
    ]


def test_the_loops_of_grpc_are_no_news_at_the_level_debug(monkeypatch):
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", root.handlers[:])
    level = root.level
    try:
        logs.set_up(Logging(level="debug"))
        assert logging.getLogger("worker.stream").isEnabledFor(logging.DEBUG)
        assert not logging.getLogger("grpc._cython.cygrpc").isEnabledFor(logging.DEBUG)
    finally:
        root.setLevel(level)
