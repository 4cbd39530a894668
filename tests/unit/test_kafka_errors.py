"""The remedy fits what librdkafka reports; where that is not known, none is claimed."""

import pytest

from worker.stream.kafka_errors import MORE, START, more_specific, with_remedy

REFUSED = (
    "b:1/bootstrap: Connect to ipv4#b:1 failed: Connection refused (after 0ms in state CONNECT)"
)


@pytest.mark.parametrize(
    ("message", "remedy"),
    [
        (REFUSED, START),
        ("b:1/bootstrap: Failed to resolve 'b:1': Name or service not known", START),
        ("b:1/1: Disconnected (after 12ms in state UP)", START),
        ("Failed to get metadata: Local: Broker transport failure", START),
        ("Local: Timed out", START),
        ("0/2 brokers are down", START),
        ("Broker: Offset out of range", MORE),
        ("no previously committed offset available: Local: No offset stored", MORE),
        ("Broker: Record list larger than configured segment size", MORE),
    ],
)
def test_only_a_connection_that_fails_is_answered_with_start_it(message, remedy):
    assert with_remedy(message).remedy == remedy


def test_the_count_of_brokers_that_are_down_is_left_out():
    """It may be "0/2": librdkafka counts names before it counts what is down."""
    assert str(with_remedy("0/2 brokers are down")).startswith("no broker is connected; ")


def test_the_cause_stays_when_the_loss_of_the_connection_follows():
    assert more_specific("0/2 brokers are down", REFUSED) == REFUSED
