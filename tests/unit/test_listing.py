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
