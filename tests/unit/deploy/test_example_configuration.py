"""deploy/worker.toml loads as it is, and with its commented lines switched on."""

from __future__ import annotations

import re
from pathlib import Path

from worker.config import load

EXAMPLE = Path(__file__).parents[3] / "deploy" / "worker.toml"


def test_the_example_loads():
    settings = load(EXAMPLE, environment={})
    assert settings.inference.backend == "triton"
    assert settings.policies.intent == "block"
    assert settings.logging.format == "json"


def test_the_lines_in_comments_are_settings_too(tmp_path):
    switched_on = re.sub(r'^# (?="?[\w.]+"? = |\[)', "", EXAMPLE.read_text(), flags=re.MULTILINE)
    file = tmp_path / "worker.toml"
    file.write_text(switched_on)
    settings = load(file, environment={"QUERY_WORKER_KAFKA__CLIENT__SASL_PASSWORD": "secret"})
    assert settings.kafka.client["security.protocol"] == "SASL_SSL"
    assert settings.kafka.client["sasl.password"] == "secret"
    assert str(settings.lexicon.folder) == "/lexicon"
    assert str(settings.inference.models) == "/models"
