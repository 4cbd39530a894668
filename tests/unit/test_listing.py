"""What is wrong with models, lexicon and Kafka's properties is reported in one message."""

import pytest

from worker.app import App
from worker.config.load import load_settings
from worker.errors import ConfigError


def test_every_fault_before_the_start_in_one_listing(tmp_path):
    chosen = load_settings(
        None,
        {},
        [
            *("kafka.client.no.such=1", "kafka.client.security.protocol=none"),
            *("kafka.producer.linger.ms=soon", f"inference.models={tmp_path}"),
            f"lexicon.folder={tmp_path}",
        ],
    )
    with pytest.raises(ConfigError) as caught:
        App(chosen)
    message = str(caught.value)
    for what in (
        *("kafka.client.no.such:", "kafka.client.security.protocol:", "kafka.producer.linger.ms:"),
        *("intent/model.json", "encoder/model.json", "matching/model.json", "lexicon.json"),
    ):
        assert message.count(what) == 1, message


def test_certificates_of_every_connection_in_one_listing(tmp_path):
    flags = [f"kafka.client.ssl.ca.location={tmp_path}/a", "kafka.client.security.protocol=ssl"]
    flags += ["inference.tls=true", f"inference.tls_ca={tmp_path}/b"]
    flags += [f"server.tls_certificate={tmp_path}/c", f"server.tls_key={tmp_path}/d"]
    with pytest.raises(ConfigError) as caught:
        App(load_settings(None, {}, flags))
    for what in ("kafka.client.ssl.ca.location:", "inference.tls_ca:", "server.tls_certificate:"):
        assert what in str(caught.value)
