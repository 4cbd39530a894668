"""Secrets in files are renewed by use: a file that is of no use leaves the one before in use."""

import gc
from threading import Thread

import pytest

from worker.config.load import load_settings
from worker.config.secrets import Secret, Token
from worker.errors import ConfigError
from worker.redact import HIDDEN, redacted


@pytest.fixture
def file(tmp_path):
    return tmp_path / "secret"


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
@pytest.mark.parametrize("kind", [Secret, Token])
def test_what_cannot_be_used_leaves_the_last_secret(file, kind, content):
    file.write_text("before\n")
    secret = kind(f"file:{file}")
    assert secret.read() == "before"
    file.write_bytes(content)
    assert secret.read() == "before"
    file.write_text("after")
    assert secret.read() == "after"


@pytest.mark.parametrize("use", [Secret.read, lambda secret: redacted(secret.read())])
def test_a_collection_amid_a_use_may_wait_for_another_user(file, use):
    """Garbage may be a Kafka client, whose end waits for its threads, which read it, too."""
    file.write_text("secret")
    secret, waits = Secret(f"file:{file}"), []

    def collect(phase, _):
        if phase == "start" and all(waits):
            thread = Thread(target=use, args=[secret], daemon=True)
            thread.start()
            thread.join(5)
            waits.append(not thread.is_alive())

    thresholds = gc.get_threshold()
    gc.callbacks.append(collect)
    gc.set_threshold(1)
    try:
        for _ in range(30):
            use(secret)
    finally:
        gc.set_threshold(*thresholds)
        gc.callbacks.remove(collect)
    assert waits and all(waits)


@pytest.mark.parametrize("content", ["two\nlines", "grün", " around ", "a\x00b", "a\x1bb"])
def test_what_no_header_can_carry_leaves_the_last_token(file, content):
    """gRPC fails on it with an error of its own, which would be every record's fault."""
    file.write_text("before")
    token = Token(f"file:{file}")
    assert token.read() == "before"
    file.write_text(content, encoding="utf-8")
    assert token.read() == "before"
    assert Secret(f"file:{file}").read() == content.rstrip("\r\n")  # a password, or a key in PEM


@pytest.mark.parametrize("key", ["server.token", "inference.token"])
@pytest.mark.parametrize("token", ["", " ", "grün", "two\nlines", " around"])
def test_a_token_of_no_use_is_refused_and_not_taken_for_none(key, token):
    with pytest.raises(ConfigError, match=f"{key}: .* a token in one line of ASCII"):
        load_settings(None, {}, [f"{key}={token}"])


@pytest.mark.parametrize("login", ["user:hunter2", "user:hun/ter2", "us'er:hunter2", "a@b:hunter2"])
def test_a_login_in_an_address_is_hidden_whatever_it_is_made_of(login):
    with pytest.raises(ConfigError) as caught:
        load_settings(None, {}, [f"inference.url=http://{login}@triton:8001"])
    message = str(caught.value)
    assert "@triton:8001" in message
    assert not any(part in message for part in ("user", "hun", "ter2"))


def test_a_login_in_a_url_of_librdkafkas_is_hidden_where_it_quotes_it():
    url = "https://worker:pass/w@rd@issuer:1/token"
    assignments = ["kafka.client.sasl.oauthbearer.token.endpoint.url=" + url]
    load_settings(None, {}, assignments)
    message = redacted(f'Failed to retrieve OIDC token from "{url}": pass/w@rd')
    assert (
        message == f'Failed to retrieve OIDC token from "https://{HIDDEN}@issuer:1/token": {HIDDEN}'
    )
