"""Configuration: sources in rising order, and every fault in one listing."""

import re
from pathlib import Path

import pytest

from worker.config.load import changes, load_settings, model_of, reference
from worker.config.reload import _needs_restart
from worker.config.settings import Settings
from worker.errors import ConfigError


def write(folder: Path, text: str) -> Path:
    file = folder / "worker.toml"
    file.write_text(text)
    return file


def test_file_then_environment_then_command_line(tmp_path):
    file = write(tmp_path, '[kafka]\ninput_topic = "f"\noutput_topic = "f2"\ngroup_id = "f3"\n')
    environment = {"QUERY_WORKER_KAFKA__OUTPUT_TOPIC": "e2", "QUERY_WORKER_KAFKA__GROUP_ID": "e3"}
    kafka = load_settings(file, environment, ["kafka.group_id=c3"]).kafka
    assert (kafka.input_topic, kafka.output_topic, kafka.group_id) == ("f", "e2", "c3")


def test_librdkafka_properties_from_every_source(tmp_path):
    file = write(
        tmp_path,
        '[kafka.client]\n"security.protocol" = "SASL_SSL"\nsasl.mechanism = "PLAIN"\n'
        "socket.keepalive.enable = true\n",
    )
    environment = {"QUERY_WORKER_KAFKA__CLIENT__SASL_PASSWORD": "p"}
    kafka = load_settings(file, environment, ["kafka.client.sasl.username=u"]).kafka
    assert kafka.client == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "socket.keepalive.enable": "true",
        "sasl.password": "p",
        "sasl.username": "u",
    }


def test_every_fault_in_one_listing(tmp_path):
    file = write(
        tmp_path,
        '[kafka]\ninput_topic = "t"\noutput_topic = "t"\n'
        '[kafka.client]\n"enable.auto.commit" = true\n'
        "[batching]\nmax_records = 0\n[inference]\nbackend = 'gpu'\nurl = 'http://x'\n[batchng]\n",
    )
    with pytest.raises(ConfigError) as caught:
        load_settings(file, {"QUERY_WORKER_SERVER__PORT": "many"}, ["nonsense"])
    keys = [fault.key for fault in caught.value.faults]
    assert keys == [
        *("--set", "kafka.client", "batching.max_records", "inference.backend"),
        *("inference.url", "server.port (QUERY_WORKER_SERVER__PORT)", "batchng"),
    ]
    text = str(caught.value)
    assert "7 faults" in text
    assert "enable.auto.commit (leave it out" in text
    assert "one of kafka, batching, inference" in text
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ["kafka.input_topic=queries.enriched"],
            "kafka: found input_topic = output_topic = 'queries.enriched', expected three different"
            " topics; set input_topic and output_topic to different names",
        ),
        (["server.tls_key=k"], "server: found tls_key alone, expected tls_certificate and tls_key"),
        (["inference.tls_ca=k"], "inference: found tls = false, expected tls = true with tls_ca"),
        (["kafka.client.group.id=g"], "kafka.client: found group.id, expected properties that"),
        (
            ["server.token=file:none"],
            "server.token: found none: No such file or directory, expected",
        ),
    ],
)
def test_keys_that_do_not_fit_each_other_are_shown_and_no_secret(flags, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_settings(None, {}, flags)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("sasl.pasword", "sasl.password"),
        ("sasl.usrname", "sasl.username"),
        ("securty.protocol", "security.protocol"),
    ],
)
def test_a_misspelt_login_is_answered_with_the_property_that_is_meant(name, meant):
    variable = f"QUERY_WORKER_KAFKA__CLIENT__{name.upper().replace('.', '_')}"
    with pytest.raises(ConfigError, match=f"found {name}, .*; did you mean {meant}?"):
        load_settings(None, {variable: "hunter2"})


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        (["sasl.username=u"], "sasl.password"),
        (["sasl.password=p"], "sasl.username"),
        ([], "sasl.username and no sasl.password"),
    ],
)
def test_a_login_without_its_user_or_password_names_what_is_missing(given, missing):
    way = ["security.protocol=SASL_SSL", "sasl.mechanism=SCRAM-SHA-256", *given]
    with pytest.raises(ConfigError, match=f"kafka: found no {missing}, expected a user and a pass"):
        load_settings(None, {}, [f"kafka.client.{item}" for item in way])
    both = ["kafka.client.sasl.username=u", "kafka.client.sasl.password=p"]
    assert load_settings(None, {}, [f"kafka.client.{item}" for item in way] + both)


def test_a_variable_that_is_no_setting_is_a_fault_as_in_the_file():
    with pytest.raises(ConfigError, match="QUERY_WORKER_FOO: .* name a part and a key of it"):
        load_settings(None, {"QUERY_WORKER_FOO": "1"})


@pytest.mark.parametrize(
    ("environment", "assignment"),
    [
        ({}, "kafka.client.sasl.password=hunter2"),
        ({}, "kafka.sasl.password=hunter2"),
        ({"QUERY_WORKER_KAFKA__CLINT__SASL_PASSWORD": "hunter2"}, "kafka.group_id=x"),
        ({"QUERY_WORKER_KAFKA_SASL_PASSWORD": "hunter2"}, "kafka.group_id=x"),
        ({}, "kafak.client.sasl.password=hunter2"),
        ({}, "kafka.group_id.sasl.password=hunter2"),
        ({}, "inference.tokn=hunter2"),
        ({}, "kafka.client.sasl.password:hunter2"),
        ({}, "kafka.client.sasl.oauthbearer.token=hunter2"),
        ({"QUERY_WORKER_INFERENCE": "hunter2"}, "inference.url=a"),
        ({}, "inference.url=https://me:hunter2@triton"),
        ({}, "server.token=hunter2 "),
    ],
)
def test_secrets_are_not_shown(environment, assignment):
    with pytest.raises(ConfigError) as caught:
        load_settings(None, environment, [assignment, "kafka.client.group.id=x"])
    assert "hunter2" not in str(caught.value)


def test_a_variable_with_one_underscore_is_a_fault_not_silence():
    with pytest.raises(ConfigError, match="QUERY_WORKER_KAFKA__INPUT_TOPIC"):
        load_settings(None, {"QUERY_WORKER_KAFKA_INPUT_TOPIC": "a"})
    with pytest.raises(ConfigError, match="QUERY_WORKER_KAFKA__INPUT_TOPIC"):
        load_settings(None, {"QUERY_WORKER_INPUT_TOPIC": "a"})
    with pytest.raises(ConfigError, match="QUERY_WORKER_KAFKA__KEY"):
        load_settings(None, {"QUERY_WORKER_KAFKA": "a"})


@pytest.mark.parametrize("address", ["kafka:1", "10.0.0.1:65535", "[::1]:9092", "a:1,[fe80::1]:2"])
def test_addresses_that_are_taken(address):
    assert load_settings(None, {}, [f"kafka.bootstrap_servers={address}"])


@pytest.mark.parametrize(
    "address", ["kafka", "kafka:0", "kafka:65536", "::1:9092", "a:1,", "a b:1"]
)
def test_addresses_that_are_refused(address):
    with pytest.raises(ConfigError, match="expected text like 'localhost:9092'"):
        load_settings(None, {}, [f"kafka.bootstrap_servers={address}"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file; name a TOML file with -c"),
        ("[kafka", "not TOML"),
        ("kafka = 5", "kafka: found 5"),
        ('"" = 5', '"": found an unknown name, expected one of'),
        ("[lexicon]\nfolder = 5", "lexicon.folder: found 5, expected text, the path of a folder"),
        ("[inference]\nurl = 5", "inference.url: found 5, expected text in quotes"),
        ("[inference]\ntls = 'on off'", "inference.tls: found 'on off', expected true or false"),
        ("[inference]\ntagging = 7", "inference.tagging: found 7, expected true or false"),
        ("[server]\nhost = ''", "server.host: found '', expected text that is not empty"),
    ],
)
def test_a_bad_file_is_reported_in_one_line(tmp_path, content, message):
    file = tmp_path / "worker.toml" if content is None else write(tmp_path, content)
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_settings(file, {})


def test_the_reference_names_every_key():
    text = reference()
    for part in Settings.model_fields:
        assert f"`[{part}]`" in text or f"`[{part}.CODE]`" in text
        for key, item in model_of(part).model_fields.items():
            assert f"| `{key}` |" in text
            assert item.description, f"{part}.{key} has no description"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SERVICE_HOST", "10.0.0.1"),
        ("PORT", "tcp://10.0.0.1:9464"),
        ("PORT_9464_TCP_ADDR", "10.0.0.1"),
        ("KAFKA_SERVICE_PORT_HTTP", "80"),  # of a service `query-worker-kafka`
        ("SERVER_PORT", "tcp://10.0.0.1:80"),
    ],
)
def test_what_kubernetes_adds_for_a_service_of_our_name_is_no_fault(name, value):
    assert load_settings(None, {f"QUERY_WORKER_{name}": value})


def test_a_slip_that_looks_like_a_service_is_reported():
    with pytest.raises(ConfigError, match="QUERY_WORKER_SERVER__PORT"):
        load_settings(None, {"QUERY_WORKER_SERVER_PORT": "9464"})


@pytest.mark.parametrize("name", ["error_cb", "logger", "default.topic.config", "batch.size"])
def test_properties_that_the_worker_keeps_to_itself(name):
    with pytest.raises(ConfigError, match=f"{name} .leave it out"):
        load_settings(None, {}, [f"kafka.producer.{name}=1"])


@pytest.mark.parametrize("table", ["client", "consumer"])
def test_exactly_once_needs_offsets_without_open_transactions(table):
    """KIP-447: with this level librdkafka does not ask for stable offsets."""
    level = f"kafka.{table}.isolation.level=read_uncommitted"
    assert load_settings(None, {}, [level])
    with pytest.raises(ConfigError, match='isolation.level "read_committed" with delivery'):
        load_settings(None, {}, [level, "kafka.delivery=exactly-once"])


def test_changes_are_written_as_in_the_file():
    old = load_settings(None, {}, [])
    new = load_settings(None, {}, ["inference.tagging=false", "inference.url=a:1"])
    assert [(change.old, change.new) for change in changes(old, new)] == [
        ("'localhost:8001'", "'a:1'"),
        ("no value", "false"),
    ]
    assert "None" not in reference() and "False" not in reference()


def test_a_misspelt_name_is_answered_with_the_one_that_is_meant():
    with pytest.raises(ConfigError, match="kafka.input_topc: .*; did you mean input_topic?"):
        load_settings(None, {}, ["kafka.input_topc=secret-value"])


def test_a_secret_that_needs_a_restart_is_told_apart_from_the_one_in_use():
    old, new = (load_settings(None, {}, [f"server.token={token}"]) for token in ("aaaa", "bbbb"))
    [change] = changes(old, new)
    shown = str(_needs_restart(change))
    assert "found another value (hidden), expected the one of the start; restart" in shown
    assert "aaaa" not in shown and "bbbb" not in shown
