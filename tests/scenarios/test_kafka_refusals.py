"""A connection to Kafka that cannot be made is reported with the setting or file to correct."""

import pytest

from tests import program
from tests.servers.kafka import PASSWORD, USER
from tests.stream import Topics, settings
from worker.commands import check
from worker.errors import ConfigError
from worker.stream.admin import Cluster

CA = 'kafka.client "ssl.ca.location"'
OWN = 'kafka.client "ssl.certificate.location"'
LOGIN = 'kafka.client "sasl.username" and "sasl.password"'


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(check, "TIMEOUT_S", 1.0)


def login(mechanism: str, password: str = "a-wrong-password") -> dict[str, str]:
    names = {"sasl.mechanism": mechanism, "sasl.username": USER, "sasl.password": password}
    return {"security.protocol": "SASL_SSL"} | names


def message(kafka, address: str, properties: dict[str, object]) -> str:
    """What both `check` and the waiting `run` say."""
    flags = [f"kafka.client.{name}={value}" for name, value in properties.items()]
    chosen = settings(address, Topics.fresh(), *flags).kafka
    [finding] = list(check._properties(chosen))
    assert (finding.state, finding.part) == ("fault", f"Kafka at {address}")
    waiting = Cluster(chosen).missing(1.0)
    assert finding.remedy in waiting
    assert "a-wrong-password" not in f"{finding} {waiting}"
    return f"{finding.message}; {finding.remedy}"


@pytest.mark.parametrize(
    ("listener", "why", "remedy"),
    [
        ("expired", "has expired", "renew it on the server"),
        ("elsewhere", "is not for 127.0.0.1", "connect by a name in it"),
        ("foreign", "by an unknown authority", CA),
    ],
)
def test_a_bad_certificate_of_the_broker(secure_kafka, impatient, listener, why, remedy):
    trust = {"security.protocol": "SSL", "ssl.ca.location": secure_kafka.authority.file}
    found = message(secure_kafka, secure_kafka.at[listener], trust)
    assert why in found and remedy in found


def test_a_wrong_authority_of_ours_or_none(secure_kafka, impatient):
    for more in ({"ssl.ca.location": secure_kafka.stranger.file}, {}):
        found = message(secure_kafka, secure_kafka.at["tls"], {"security.protocol": "SSL"} | more)
        assert "by an unknown authority" in found and CA in found


def test_a_bad_certificate_of_ours(secure_kafka, impatient):
    trust = {"security.protocol": "SSL", "ssl.ca.location": secure_kafka.authority.file}
    old = secure_kafka.authority.issue("late", expired=True)
    for pair in (None, old, secure_kafka.stranger.issue("unknown")):
        own = pair and {"ssl.certificate.location": pair.certificate, "ssl.key.location": pair.key}
        found = message(secure_kafka, secure_kafka.at["mutual"], trust | (own or {}))
        assert OWN in found and "has expired" in found


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_wrong_password(secure_kafka, impatient, mechanism):
    trust = {"ssl.ca.location": secure_kafka.authority.file}
    assert LOGIN in message(secure_kafka, secure_kafka.at["sasl"], login(mechanism) | trust)


def test_a_mechanism_that_is_not_offered(secure_kafka, impatient):
    way = login("SCRAM-SHA-512", PASSWORD) | {"security.protocol": "SASL_PLAINTEXT"}
    found = message(secure_kafka, secure_kafka.guarded, way)
    assert "supported mechanisms: PLAIN" in found and '"sasl.mechanism"' in found


def test_an_access_token_that_is_refused(secure_kafka, impatient, tmp_path):
    file = tmp_path / "token"
    way = {"security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER"}
    way |= {"ssl.ca.location": secure_kafka.authority.file}
    way["sasl.oauthbearer.token"] = f"file:{file}"
    file.write_text(secure_kafka.token(-10))
    assert "the access token has expired" in message(secure_kafka, secure_kafka.at["sasl"], way)
    file.write_text("not.a.token")
    assert '"sasl.oauthbearer.…"' in message(secure_kafka, secure_kafka.at["sasl"], way)


@pytest.mark.parametrize(
    ("protocol", "listener", "remedy"),
    [
        ("PLAINTEXT", "tls", '"security.protocol" to SSL'),
        ("SASL_PLAINTEXT", "sasl", '"security.protocol" to SASL_SSL'),
        ("SSL", "sasl", '"security.protocol" to SASL_SSL'),
        ("SSL", "plain", "the port that speaks TLS"),
    ],
)
def test_a_protocol_that_is_not_the_listeners(secure_kafka, impatient, protocol, listener, remedy):
    at = secure_kafka.at | {"plain": secure_kafka.bootstrap_servers}
    way = login("PLAIN", PASSWORD) if protocol.startswith("SASL") else {}
    way |= {"security.protocol": protocol, "ssl.ca.location": secure_kafka.authority.file}
    assert remedy in message(secure_kafka, at[listener], way)


def test_a_listener_that_wants_a_login_or_takes_none(kafka, impatient):
    """A broker that is up is not called down."""
    found = message(kafka, kafka.guarded, {})
    assert '"security.protocol" to SASL_PLAINTEXT' in found and "down" not in found
    done = program.run("dead-letters", "list", "--set", f"kafka.bootstrap_servers={kafka.guarded}")
    assert done.returncode == 1 and '"security.protocol" to SASL_PLAINTEXT' in done.stderr
    protocol = {"security.protocol": "SASL_PLAINTEXT"}
    found = message(kafka, kafka.bootstrap_servers, login("PLAIN") | protocol)
    assert "its listener takes no login" in found


def test_missing_files_are_reported_before_anything_is_tried(tmp_path):
    names = ("ssl.ca.location", "ssl.certificate.location", "ssl.key.location")
    flags = [f"kafka.client.{name}={tmp_path / name}" for name in names]
    found = list(check._properties(settings("127.0.0.1:9", Topics.fresh(), *flags).kafka))
    assert [item.part for item in found] == [f"kafka.client.{name}" for name in names]
    assert all("which does not exist, expected a file" in item.message for item in found)
    with pytest.raises(ConfigError, match=r"sasl.password: .*: No such file"):
        flag = f"kafka.client.sasl.password=file:{tmp_path / 'none'}"
        settings("127.0.0.1:9", Topics.fresh(), flag)


def test_an_access_token_must_come_from_somewhere():
    with pytest.raises(ConfigError, match="sasl.oauthbearer.token to a token or file:PATH"):
        settings("127.0.0.1:9", Topics.fresh(), "kafka.client.sasl.mechanism=OAUTHBEARER")
