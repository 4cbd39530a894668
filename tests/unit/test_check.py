"""`check` reports every fault at once, and ends when it is interrupted."""

import asyncio
import json
import shutil
import signal
import socket
from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AclOperation

from tests import languages, program
from tests.understanding import Counting, inputs
from triton_models.contract import sha256
from worker import folders
from worker.build import make_pipeline
from worker.commands import acls, check
from worker.config.load import load_settings
from worker.config.settings import STARTER_MODELS
from worker.errors import ConfigError
from worker.metrics import Metrics

NOWHERE = "127.0.0.1:9"


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(check, "TIMEOUT_S", 0.2)


def findings(*assignments: str) -> dict[str, check.Finding]:
    away = (f"kafka.bootstrap_servers={NOWHERE}", f"inference.url={NOWHERE}")
    return {
        item.part: item
        for item in check.findings_of(load_settings(None, {}, [*away, *assignments]))
    }


def test_one_fault_does_not_hide_another(impatient, tmp_path):
    """A broken model folder, no lexicon, no Triton, no Kafka: all in one listing."""
    models = tmp_path / "models"
    shutil.copytree(STARTER_MODELS, models)
    (models / "intent" / "model.json").unlink()
    (models / "matching" / "model.onnx").unlink()
    found = findings(f"inference.models={models}", f"lexicon.folder={tmp_path}")
    triton, kafka = f"Triton at {NOWHERE}", f"Kafka at {NOWHERE}"
    faults = {part for part, item in found.items() if item.state == "fault"}
    assert faults == {"model folder intent", "model folder matching", "lexicon", triton, kafka}
    assert all(found[part].remedy for part in faults)
    assert "lexicon.folder" in found["lexicon"].remedy
    assert "inference.url" in found[triton].remedy


def test_a_model_that_cannot_be_run(impatient, tmp_path):
    """Its contract fits, so that only the attempt shows it."""
    models = tmp_path / "models"
    shutil.copytree(STARTER_MODELS, models)
    folder = models / "intent"
    (folder / "model.onnx").write_bytes(b"no model")
    description = json.loads((folder / "model.json").read_text())
    description["onnx_sha256"] = sha256(folder / "model.onnx")
    (folder / "model.json").write_text(json.dumps(description))
    found = findings(f"inference.models={models}", "inference.backend=onnx")
    [runtime] = [item for part, item in found.items() if "ONNX Runtime" in part]
    assert (runtime.state, runtime.remedy) == ("fault", "export the model again")
    assert str(folder) in runtime.message


def test_a_model_of_several_labels_is_refused(impatient, tmp_path):
    """An event carries one label: the likeliest of several would pass for it."""
    models = tmp_path / "models"
    shutil.copytree(STARTER_MODELS, models)
    file = models / "intent" / "model.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"multi": True}))
    flag = f"inference.models={models}"
    finding = findings(flag, "inference.backend=onnx")["model folder intent"]
    assert finding.state == "fault" and "a query has one label" in finding.message
    with pytest.raises(ConfigError, match="multi: found True, expected nothing"):
        folders.load_contracts(load_settings(None, {}, [flag]))


def test_a_fallback_intent_that_the_model_does_not_know(impatient):
    found = findings("policies.fallback_intent=buy")["policies.fallback_intent"]
    assert found.state == "fault" and "purchase" in found.message and found.remedy
    known = findings("policies.fallback_intent=other")["policies.fallback_intent"]
    assert (known.state, known.message) == ("ok", "other")


def test_intents_of_broader_terms_that_the_model_does_not_know(impatient):
    found = findings("understanding.parents_for=browse,buy")["understanding.parents_for"]
    assert found.state == "fault" and "'buy'" in found.message and found.remedy


def test_a_certificate_of_the_probes_that_is_not_there(impatient, tmp_path):
    pem = tmp_path / "away.pem"
    found = findings(f"server.tls_certificate={pem}", f"server.tls_key={pem}")
    assert found["server.tls_certificate"].state == "fault"
    assert str(pem) in found["server.tls_certificate"].message


@pytest.mark.parametrize("name", ["kafka..example:9092", f"{'x' * 64}.example:9092"])
def test_a_broker_whose_name_is_none(impatient, name):
    found = findings(f"kafka.bootstrap_servers={name}")[f"Kafka at {name}"]
    assert found.state == "fault" and found.remedy


def test_each_missing_topic_is_reported_with_its_key(embedded_broker):
    topics = embedded_broker.topics()
    found = findings(
        *(f"kafka.bootstrap_servers={embedded_broker.bootstrap_servers}", "inference.backend=onnx"),
        *(f"kafka.input_topic={topics.input}", "kafka.output_topic=none-a"),
        "kafka.dead_letter_topic=none-b",
    )
    assert found[f"topic {topics.input}"].state == "ok"
    assert f"access to topic {topics.input}" in found
    assert "kafka.output_topic" in found["topic none-a"].remedy
    assert "kafka.dead_letter_topic" in found["topic none-b"].remedy


def test_ctrl_c_ends_it_while_a_broker_keeps_it_waiting():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        broker = f"127.0.0.1:{silent.getsockname()[1]}"
        flags = (f"kafka.bootstrap_servers={broker}", f"inference.url={NOWHERE}")
        with program.started("check", "--set", flags[0], "--set", flags[1]) as running:
            silent.settimeout(60)
            silent.accept()[0].close()
            running.popen.send_signal(signal.SIGINT)
            assert running.ended() == -signal.SIGINT  # not held back until the call has timed out


def test_a_model_is_found_by_its_name_and_asked_by_it(tmp_path):
    """Two of one kind, by locale, in one folder: names are not kinds."""
    models = tmp_path / "models"
    shutil.copytree(STARTER_MODELS, models)
    shutil.copytree(models / "intent", models / "intent_de")
    file = models / "intent_de" / "model.json"
    flags = [f"inference.models={models}", "inference.names.intent=intent_de"]
    with pytest.raises(ConfigError, match="calls it intent, not intent_de; export it with --name"):
        folders.load_contracts(load_settings(None, {}, flags))
    file.write_text(json.dumps(json.loads(file.read_text()) | {"name": "intent_de"}))
    settings = load_settings(None, {}, flags)
    contracts = folders.load_all_contracts(settings)
    assert [contracts[""][kind].name for kind in ("intent", "encoder")] == ["intent_de", "encoder"]
    inference = Counting(folders.by_name(contracts))
    pipeline = make_pipeline(settings, contracts, inference, Metrics())
    pipeline.obey(settings.policies)
    (output,) = asyncio.run(pipeline.process(inputs("red shoes")))
    assert inference.rows["intent_de"] == 1
    assert json.loads(output.value)["provenance"]["intent"].startswith("intent_de:")


def test_names_are_of_kinds_of_model():
    with pytest.raises(ConfigError, match=r"inference\.names.*kinds of model: intent, encoder"):
        load_settings(None, {}, ["inference.names.intend=intent_de"])


def test_each_language_is_checked(impatient, tmp_path):
    """With its own models and lexicon; models of one name must be the same."""
    models = languages.models(tmp_path / "models", german=("intent",))
    other = languages.models(tmp_path / "fr", german=())
    languages.change(other / "encoder", version=77)
    found = findings(
        *languages.flags(models, tmp_path, german=("intent", "encoder")),
        *(f"languages.fr.models={other}", "inference.tagging=false"),
    )
    faults = {part: item for part, item in found.items() if item.state == "fault"}
    assert faults.keys() == {
        *("languages.de: model folder encoder", "models of one name"),
        *(f"Triton at {NOWHERE}", f"Kafka at {NOWHERE}"),
    }
    assert (
        "encoder_de/model.json: not found" in faults["languages.de: model folder encoder"].message
    )
    assert faults["models of one name"].remedy.startswith("export it with --name encoder_fr")
    assert found["languages.de: lexicon"].remedy == "correct the encoder's model folder first"
    assert found["model folders"].state == found["languages.fr: model folders"].state == "ok"
    assert found["languages.fr: lexicon"].state == "ok"


def test_a_missing_lexicon_of_a_language_is_named_by_its_setting(impatient, tmp_path):
    models = languages.models(tmp_path / "models", german=())
    found = findings(*languages.flags(models, tmp_path, german=()))["languages.de: lexicon"]
    assert found.state == "fault" and "(languages.de.lexicon)" in found.remedy


@pytest.mark.parametrize(
    ("letters", "policy", "state", "message"),
    [
        (2_000_000, "delete", "ok", "outputs fit"),
        (1_000_000, "delete", "warning", "headers"),
        (500_000, "delete", "fault", "above 500000 bytes stops the worker"),
        (2_000_000, "compact", "fault", "without a key stops the worker"),
    ],
)
def test_what_the_dead_letter_topic_would_refuse(letters, policy, state, message):
    """A dead letter that is refused would stop the worker at each start."""
    found = {
        "queries": (1_000_000, "delete"),
        "queries.enriched": (2_000_000, "delete"),
        "queries.dead-letters": (letters, policy),
    }

    class Client:
        def describe_configs(self, resources, request_timeout):
            return {resource: future(*found[resource.name]) for resource in resources}

    def future(largest, policy):
        limits = {"max.message.bytes": largest, "cleanup.policy": policy}
        values = {name: SimpleNamespace(value=str(value)) for name, value in limits.items()}
        return SimpleNamespace(result=lambda: values)

    first, *_ = check._limits(Client(), list(found))
    assert first.state == state and message in f"{first.message} {first.remedy}"


@pytest.mark.parametrize(("refusals", "states"), [(2, ["ok"]), (10**6, ["warning"])])
def test_a_coordinator_that_is_starting_is_asked_again(refusals, states):
    """That of a cluster's first group loads for a moment; for good it is no missing right."""
    loading = Future()
    cause = KafkaError(KafkaError.COORDINATOR_LOAD_IN_PROGRESS)
    loading.set_exception(KafkaException(cause))
    ready = Future()
    ready.set_result(SimpleNamespace(authorized_operations={AclOperation.READ}))
    asked = []

    class Client:
        def describe_consumer_groups(self, names, **options):
            asked.append(names)
            return {names[0]: loading if len(asked) <= refusals else ready}

        def describe_cluster(self, **options):
            return ready

    kafka = load_settings(None, {}, []).kafka
    answers = acls.granted_rights(Client(), kafka, [], 0.5)
    group = [check._access(answer) for answer in answers if answer.right.kind == "group"]
    assert [item.state for item in group] == states
    assert not any("DESCRIBE" in item.remedy for item in group)
