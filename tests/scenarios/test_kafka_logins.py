"""The worker logs in to Kafka in every way that it names, and goes on with a secret that was
renewed in its file while the old one is refused.
"""

import json
import logging
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.servers.kafka import PASSWORD, USER
from tests.stream import (
    Record,
    Topics,
    done,
    is_ready,
    produce,
    read,
    running,
    settings,
    wait_until,
)
from worker.stream import credentials

VALUE = b'{"query": "red shoes"}'


@pytest.fixture
def topics(secure_kafka) -> Topics:
    made = Topics.fresh()
    secure_kafka.create(made.input, made.output, made.dead_letters)
    return made


def worker(kafka, listener: str, topics: Topics, *more: str, **properties: object):
    """Settings of a worker on that listener; dots of the properties' names are written as `_`."""
    flags = [f"kafka.client.{k.replace('_', '.')}={v}" for k, v in properties.items()]
    flags += [f"kafka.client.ssl.ca.location={kafka.authority.file}"]
    quick = "kafka.consumer.group.protocol=consumer"
    return settings(kafka.at[listener], topics, quick, *flags, *more)


def sasl(mechanism: str, password: str) -> dict[str, str]:
    return {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": mechanism,
        "sasl_username": USER,
        "sasl_password": password,
    }


@contextmanager
def issuer(kafka):
    """Where OIDC clients get their tokens; its address, and the credentials it was shown."""
    shown = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            shown.append(self.headers["Authorization"])
            body = json.dumps({"access_token": kafka.token(), "expires_in": 3600}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/token", shown
    finally:
        server.shutdown()
        server.server_close()


def passes_a_record(kafka, topics, chosen) -> None:
    with running(chosen) as app:
        produce(kafka.bootstrap_servers, topics.input, [Record(VALUE)])
        wait_until(done(app, 1), "the record")
        assert app.runner.totals.published == 1


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_password_from_a_file(secure_kafka, topics, tmp_path, mechanism):
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    if mechanism != "PLAIN":
        secure_kafka.set_password(mechanism, PASSWORD)
    way = sasl(mechanism, f"file:{file}")
    passes_a_record(secure_kafka, topics, worker(secure_kafka, "sasl", topics, **way))


def test_a_certificate_of_ones_own(secure_kafka, topics):
    pair = secure_kafka.authority.issue(USER)
    way = {"ssl_certificate_location": pair.certificate, "ssl_key_location": pair.key}
    chosen = worker(secure_kafka, "mutual", topics, security_protocol="SSL", **way)
    passes_a_record(secure_kafka, topics, chosen)


def test_an_access_token_that_is_asked_for(secure_kafka, topics):
    way = {"security_protocol": "SASL_SSL", "sasl_mechanism": "OAUTHBEARER"}
    way |= {"sasl_oauthbearer_method": "oidc", "sasl_oauthbearer_client_id": "worker"}
    with issuer(secure_kafka) as (url, shown):
        way |= {"sasl_oauthbearer_client_secret": "s3cr3t-of-oidc"}
        way |= {"sasl_oauthbearer_token_endpoint_url": url}
        passes_a_record(secure_kafka, topics, worker(secure_kafka, "sasl", topics, **way))
        assert shown


def test_an_access_token_from_a_file_is_read_again(secure_kafka, topics, tmp_path, monkeypatch):
    monkeypatch.setattr(credentials, "TOKEN_S", 2.0)
    file = tmp_path / "token"
    file.write_text(secure_kafka.token())
    way = {"security_protocol": "SASL_SSL", "sasl_mechanism": "OAUTHBEARER"}
    chosen = worker(secure_kafka, "sasl", topics, **way, sasl_oauthbearer_token=f"file:{file}")
    with running(chosen) as app:
        produce(secure_kafka.bootstrap_servers, topics.input, [Record(VALUE)])
        wait_until(done(app, 1), "the record")
        secure_kafka.stop()
        file.write_text(secure_kafka.token(-10))  # whoever rotates it is late
        secure_kafka.start()
        produce(secure_kafka.bootstrap_servers, topics.input, [Record(VALUE)])
        wait_until(lambda: not is_ready(app), "not ready")
        file.write_text(secure_kafka.token())
        wait_until(done(app, 2), "the second record")


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_a_password_that_was_changed(secure_kafka, topics, tmp_path, caplog, delivery):
    caplog.set_level(logging.WARNING)
    mechanism, file = "SCRAM-SHA-512", tmp_path / "password"
    secure_kafka.set_password(mechanism, "the-first")
    file.write_text("the-first")
    way = sasl(mechanism, f"file:{file}")
    chosen = worker(secure_kafka, "sasl", topics, f"kafka.delivery={delivery}", **way)
    with running(chosen) as app:
        produce(secure_kafka.bootstrap_servers, topics.input, [Record(VALUE)])
        wait_until(done(app, 1), "the record")
        secure_kafka.set_password(mechanism, "the-second")
        secure_kafka.stop()
        secure_kafka.start()
        remedy = 'correct kafka.client "sasl.username" and "sasl.password"'
        wait_until(lambda: remedy in caplog.text, "it says what is wrong")
        produce(secure_kafka.bootstrap_servers, topics.input, [Record(VALUE)])
        file.write_text("the-second")
        wait_until(done(app, 2), "the second record")
        wait_until(lambda: is_ready(app), "ready")
        assert app.runner.totals.published == 2
    found = read(secure_kafka.bootstrap_servers, [topics.output], 2)
    assert len(found) == 2 or delivery == "at-least-once"
