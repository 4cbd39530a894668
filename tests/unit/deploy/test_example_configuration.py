"""deploy/worker.toml loads as it is, and with its commented lines switched on."""

from __future__ import annotations

import re
from pathlib import Path

from worker.config.load import load_settings
from worker.config.secrets import plain

EXAMPLE = Path(__file__).parents[3] / "deploy" / "worker.toml"


def test_the_example_loads():
    settings = load_settings(EXAMPLE, environment={})
    assert settings.inference.backend == "triton"
    assert settings.policies.intent == "block"
    assert settings.logging.format == "json"


def test_the_lines_in_comments_are_settings_too(tmp_path):
    switched_on = re.sub(r'^# (?="?[\w.]+"? = |\[)', "", EXAMPLE.read_text(), flags=re.MULTILINE)
    file, secret = tmp_path / "worker.toml", tmp_path / "secret"
    secret.write_text("what-it-holds\n")
    file.write_text(re.sub(r'(?<="file:)[^"]+', str(secret), switched_on))
    settings = load_settings(file, environment={"QUERY_WORKER_KAFKA__CLIENT__SASL_USERNAME": "me"})
    assert settings.kafka.client["security.protocol"] == "SASL_SSL"
    assert settings.kafka.client["sasl.username"] == "me"
    assert plain(settings.kafka.client)["sasl.password"] == "what-it-holds"
    assert settings.inference.tls and settings.inference.token.read() == "what-it-holds"
    assert settings.server.tls_key and settings.server.token.read() == "what-it-holds"
    assert str(settings.lexicon.folder) == "/lexicon"
    assert str(settings.inference.models) == "/models"
    assert settings.of("de").inference.name("intent") == "intent_de"
    assert str(settings.of("de").lexicon.folder) == "/lexicon-de"
