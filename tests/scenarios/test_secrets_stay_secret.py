"""No secret comes out: not in a log, an error, a table, a metric, a `repr`, whatever goes wrong."""

import base64
import json
import urllib.error
import urllib.request
from pathlib import Path
from secrets import token_hex

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from tests import program
from tests.stream import Topics, running, settings, wait_until
from worker.config.load import load_settings
from worker.config.secrets import Secret
from worker.errors import ConfigError
from worker.redact import hide, redacted

NOWHERE = "127.0.0.1:9"
printable = (  # with an end that no other text has
    st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=4)
    .filter(lambda text: text.isprintable() and text.strip() == text)
    .map(lambda text: f"{text}¬7¬")
)
# Every place that a secret can have.
PLACES = (
    *("kafka.client.sasl.password", "kafka.client.ssl.key.password", "inference.token"),
    *("kafka.client.sasl.oauthbearer.client.secret", "kafka.client.ssl.keystore.password"),
    *("kafka.consumer.sasl.password", "kafka.producer.ssl.key.pem", "server.token"),
)
# Faults beside them, each reported by another part of the program.
SLIPS = (
    *("kafka.client.no.such=1", "kafka.client.acks=x", "kafka.group_id=", "inference.url=x"),
    *("server.port=x", "kafka.input_topic=queries.enriched", "nonsense", "inference.tls_ca=/x"),
)


@pytest.fixture
def secret() -> str:
    """Hard to copy by accident, and full of what formatting trips over."""
    return f"""pass'"{{}}%s\\n<b>${token_hex(8)}"""


def leaks(secret: str, output: str) -> list[str]:
    """Forms of the secret that the output holds."""
    login = base64.b64encode(f"\0worker\0{secret}".encode()).decode()
    forms = {secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], login}
    forms |= {base64.b64encode(secret.encode()).decode(), secret[-16:]}
    return [form for form in forms if form in output]


@effort(deadline=None, max_examples=60)
@given(printable, st.sampled_from(PLACES), st.sets(st.sampled_from(SLIPS)))
def test_settings_and_their_faults(secret, place, slips):
    assignments = [f"{place}={secret}", *slips]
    try:
        chosen = load_settings(None, {}, assignments)
        text = f"{chosen!r} {chosen} {chosen.model_dump_json()} {chosen.model_dump()!r}"
    except ConfigError as error:
        text = str(error)
    assert secret not in text


@effort(deadline=None, max_examples=100)
@given(printable, st.text(), st.text())
def test_what_is_shown_is_safe(secret, before, after):
    hide(secret)
    shown = redacted(before + secret + after)
    assert secret not in shown and shown.isprintable()


def run(folder: Path, command: str, tables: dict[str, dict[str, object]]) -> str:
    """All that the program says with these settings in its file."""
    lines = []
    for part, values in tables.items():
        lines += [f"[{part}]", *(f"{json.dumps(k)} = {json.dumps(v)}" for k, v in values.items())]
    file = folder / "worker.toml"
    file.write_text("\n".join(lines))
    done = program.run(command, "-c", str(file))
    assert done.returncode in (1, 2), done.stderr
    return done.stdout + done.stderr


def debugging(address: str, client: dict[str, object], form: str) -> dict[str, dict[str, object]]:
    topics = Topics.fresh()
    names = {"input_topic": topics.input, "output_topic": topics.output}
    return {
        "kafka": {"bootstrap_servers": address} | names,
        "kafka.client": {"debug": "all"} | client,
        "logging": {"level": "debug", "format": form},
        "lifecycle": {"startup_timeout_s": 2},
        "inference": {"url": NOWHERE},
    }


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_wrong_credentials_with_all_that_can_be_logged(
    secure_kafka, tmp_path, secret, command, form
):
    trust = {"security.protocol": "SASL_SSL", "ssl.ca.location": str(secure_kafka.authority.file)}
    file = tmp_path / "password"
    file.write_text(secret)
    login = {"sasl.mechanism": "PLAIN", "sasl.username": "worker"}
    login["sasl.password"] = f"file:{file}"
    tables = debugging(secure_kafka.at["sasl"], trust | login, form)
    tables["inference"]["token"] = secret
    tables["server"] = {"token": secret, "port": 0}
    output = run(tmp_path, command, tables)
    assert "Invalid username or password" in output and not leaks(secret, output)


@pytest.mark.parametrize(
    "client",
    [
        {"sasl.oauthbearer.config": "{}", "enable.sasl.oauthbearer.unsecure.jwt": "true"},
        {
            "sasl.oauthbearer.method": "oidc",
            "sasl.oauthbearer.client.id": "me",
            "sasl.oauthbearer.client.secret": "{}",
            "sasl.oauthbearer.token.endpoint.url": f"http://{NOWHERE}/",
        },
        {"sasl.oauthbearer.token": "{}"},
        {"ssl.key.pem": "{}", "sasl.oauthbearer.token": "abc"},
        {"sasl.pasword": "{}", "sasl.oauthbearer.token": "abc"},
    ],
)
def test_properties_that_librdkafka_refuses_or_fails_with(tmp_path, secret, client):
    filled = {name: secret if value == "{}" else value for name, value in client.items()}
    way = {"security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER"}
    output = run(tmp_path, "check", debugging(NOWHERE, way | filled, "text"))
    assert "fault" in output and not leaks(secret, output)


def test_metrics_and_probes_and_the_refusal_of_a_wrong_token(embedded_broker, secret):
    broker = embedded_broker
    flags = f"server.token={secret}", f"kafka.client.ssl.key.password={secret}"
    with running(settings(broker.bootstrap_servers, broker.topics(), *flags)) as app:
        wait_until(lambda: app.http.url, "it listens")
        output = ""
        for path, token in (("livez", ""), ("metrics", secret), ("metrics", secret + "x")):
            ask = urllib.request.Request(f"{app.http.url}/{path}")
            ask.add_header("Authorization", f"Bearer {token}")
            try:
                with urllib.request.urlopen(ask, timeout=20) as answer:
                    output += f"{answer.headers} {answer.read()}"
            except urllib.error.HTTPError as error:
                output += f"{error.headers} {error.read()}"
    assert "query_worker_events" in output and not leaks(secret, output)


def test_a_secret_shows_itself_nowhere(tmp_path, secret):
    file = tmp_path / "token"
    file.write_text(secret)
    for held in (Secret(secret), Secret(f"file:{file}")):
        assert held.read() == secret
        assert not leaks(secret, f"{held} {held!r} {held!s:>50} {vars(held) and ''}")
