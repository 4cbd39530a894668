"""What librdkafka's properties decide: how long others wait for a killed worker, and logins."""

import pytest

from worker.config.load import load_settings
from worker.errors import ConfigError
from worker.stream.clients import check_properties, consumer_properties, producer_properties


@pytest.mark.parametrize(
    ("flags", "timeout_ms"),
    [
        ([], 3000),  # readers of the outputs wait for its open transaction
        (["kafka.commit_interval_ms=5000"], 15_000),
        (["kafka.producer.transaction.timeout.ms=9000"], 9000),
    ],
)
def test_a_transaction_lasts_three_commit_intervals_at_most(flags, timeout_ms):
    found = producer_properties(load_settings(None, {}, flags).kafka, "id")
    assert int(found["transaction.timeout.ms"]) == timeout_ms


def test_heartbeats_do_not_go_with_the_commits():
    """A commit that meets the end of a rebalance is refused, and its work done again."""
    chosen = load_settings(None, {}, []).kafka
    assert consumer_properties(chosen)["heartbeat.interval.ms"] < chosen.commit_interval_ms / 2


def test_a_login_that_would_not_be_used_is_refused():
    flags = ["kafka.client.sasl.username=ann", "kafka.client.sasl.password=open sesame"]
    with pytest.raises(ConfigError) as refused:
        check_properties(load_settings(None, {}, flags).kafka)
    message = str(refused.value)
    assert "set security.protocol to SASL_SSL, or leave out sasl.password, sasl.username" in message
    assert "sesame" not in message
    plain = "kafka.client.security.protocol=sasl_plaintext", "kafka.client.sasl.mechanism=PLAIN"
    check_properties(load_settings(None, {}, [*flags, *plain]).kafka)


def test_no_fault_of_the_properties_hides_another(tmp_path):
    flags = ["client.sasl.username=ann", f"client.ssl.ca.location={tmp_path}/none"]
    flags += ["producer.compression.type=foo", "producer.acks=1", "client.no.such=1"]
    with pytest.raises(ConfigError) as refused:
        check_properties(load_settings(None, {}, [f"kafka.{flag}" for flag in flags]).kafka)
    found = {fault.key: fault.found for fault in refused.value.faults}
    assert found.keys() == {
        *("kafka.client.security.protocol", "kafka.client.ssl.ca.location"),
        *("kafka.producer.compression.type", "kafka.producer.acks", "kafka.client.no.such"),
    }
    # By the name that was given, not by librdkafka's for the same.
    assert "compression.type" in found["kafka.producer.compression.type"]
    assert "compression.codec" not in str(refused.value)
    assert found["kafka.producer.acks"].startswith("what librdkafka refuses (`acks` must be set")
