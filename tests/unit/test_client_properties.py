"""How long others wait for a worker that was killed, as librdkafka's properties decide it."""

import pytest

from worker import config
from worker.stream.clients import consumer_properties, producer_properties


@pytest.mark.parametrize(
    ("flags", "timeout_ms"),
    [
        ([], 3000),  # readers of the outputs wait for its open transaction
        (["kafka.commit_interval_ms=5000"], 15_000),
        (["kafka.producer.transaction.timeout.ms=9000"], 9000),
    ],
)
def test_a_transaction_lasts_three_commit_intervals_at_most(flags, timeout_ms):
    found = producer_properties(config.load(None, {}, flags).kafka, "id")
    assert int(found["transaction.timeout.ms"]) == timeout_ms


def test_heartbeats_do_not_go_with_the_commits():
    """A commit that meets the end of a rebalance is refused, and its work done again."""
    chosen = config.load(None, {}, []).kafka
    assert consumer_properties(chosen)["heartbeat.interval.ms"] < chosen.commit_interval_ms / 2
