"""Who may read `/metrics`, what a certificate's renewal does, and what strangers cannot do."""

import base64
import http.client
import socket
import ssl
import time
from contextlib import closing, contextmanager, suppress

import pytest
from prometheus_client import CollectorRegistry, Counter

from tests.servers.certificates import Authority
from worker.config.secrets import Secret
from worker.errors import ConfigError
from worker.server import certificate as certificates
from worker.server import http as server_module
from worker.server.http import Health, HttpServer

TOKEN = "correct-horse"


@contextmanager
def serving(**options):
    registry = CollectorRegistry()
    Counter("one", "One.", registry=registry)
    ok = lambda: Health(True)  # noqa: E731
    server = HttpServer("127.0.0.1", 0, registry, ok, ok, **options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def port(server) -> int:
    return int(server.url.rpartition(":")[2])


def ask(server, path="/metrics", method="GET", authorization=None, tls=None):
    kind = http.client.HTTPSConnection if tls else http.client.HTTPConnection
    options = {"context": tls} if tls else {}
    with closing(kind("127.0.0.1", port(server), timeout=20, **options)) as connection:
        headers = {"Authorization": authorization} if authorization else {}
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (None, 401),
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        (basic(f"anyone:{TOKEN}"), 200),
        (f"Bearer {TOKEN}x", 401),
        ("Bearer ", 401),
        (TOKEN, 401),
        (basic(TOKEN), 401),
        (basic("anyone:"), 401),
        ("Basic !", 401),
        ("Basic /w==", 401),
    ],
)
def test_metrics_ask_for_the_token(authorization, status):
    with serving(token=Secret(TOKEN)) as server:
        found, body, answer = ask(server, authorization=authorization)
        assert found == status and (b"one_total" in body) == (status == 200)
        assert status == 200 or answer.getheader("WWW-Authenticate")


def test_probes_are_open_and_a_token_from_a_file_is_read_again(tmp_path):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    with serving(token=Secret(f"file:{file}")) as server:
        assert {ask(server, path)[0] for path in ("/livez", "/readyz")} == {200}
        assert ask(server, authorization=f"Bearer {TOKEN}")[0] == 200
        file.write_text("another-one\n")
        assert ask(server, authorization=f"Bearer {TOKEN}")[0] == 401
        assert ask(server, authorization="Bearer another-one")[0] == 200


def test_only_reading_is_possible():
    with serving() as server:
        assert ask(server, method="HEAD")[:2] == (200, b"")
        for method in ("POST", "PUT", "DELETE", "TRACE", "OPTIONS"):
            status, _, answer = ask(server, method=method)
            assert (status, answer.getheader("Allow")) == (405, "GET, HEAD")
        assert ask(server, "/../etc/passwd")[0] == 404


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"nonsense\r\n\r\n", b"HTTP/1.1 400"),
        (b"GET /livez HTTP/2.0\r\n\r\n", b"HTTP/1.1 400"),
        (b"GET /livez HTTP/1.0\r\n\r\n", b"HTTP/1.1 200"),
        (b"GET /" + 70_000 * b"a" + b" HTTP/1.1\r\n\r\n", b""),
        (b"GET /livez HTTP/1.1\r\nX: " + 70_000 * b"a", b""),
    ],
)
def test_what_is_no_request_or_too_large(sent, answer):
    with serving() as server, socket.create_connection(("127.0.0.1", port(server)), 20) as peer:
        try:
            peer.sendall(sent)
            found = peer.recv(12)
        except ConnectionError:  # cut off in the midst of it
            found = b""
        assert found == answer
        assert ask(server, "/livez")[0] == 200


def test_one_that_sends_too_slowly_is_cut_off(monkeypatch):
    monkeypatch.setattr(server_module, "CONNECTION_S", 0.2)
    with serving() as server, socket.create_connection(("127.0.0.1", port(server)), 20) as peer:
        peer.sendall(b"GET /livez HT")
        with suppress(ConnectionError):
            assert peer.recv(1) == b""


@pytest.mark.parametrize("secure", [False, True])
def test_probes_get_through_a_crowd_of_silent_connections(tmp_path, secure):
    pair = Authority(tmp_path, "ca").issue("worker")
    tls = {"certificate": pair.certificate, "key": pair.key} if secure else {}
    with serving(**tls) as server:
        crowd = [
            socket.create_connection(("127.0.0.1", port(server)), 20)
            for _ in range(3 * server_module.MOST_CONNECTIONS)
        ]
        trust = ssl._create_unverified_context() if secure else None
        for _ in range(5):
            assert ask(server, "/livez", tls=trust)[0] == 200
        assert len(server._open) <= server_module.MOST_CONNECTIONS + 1
        for peer in crowd:
            peer.close()


def test_a_renewed_certificate_is_shown_to_new_connections(tmp_path, monkeypatch):
    monkeypatch.setattr(certificates, "LOOK_S", 0.02)
    first, second = Authority(tmp_path, "first"), Authority(tmp_path, "second")
    pair, newer = first.issue("worker"), second.issue("newer")
    trust = ssl.create_default_context(cafile=second.file)
    with serving(certificate=pair.certificate, key=pair.key, token=Secret(TOKEN)) as server:
        assert server.url.startswith("https://")
        assert ask(server, tls=ssl.create_default_context(cafile=first.file))[0] == 401
        with pytest.raises(ssl.SSLCertVerificationError):
            ask(server, tls=trust)
        pair.key.write_bytes(newer.key.read_bytes())  # no pair yet: the old one goes on
        assert ask(server, "/livez", tls=ssl.create_default_context(cafile=first.file))[0] == 200
        pair.certificate.write_bytes(newer.certificate.read_bytes())
        end = time.monotonic() + 20
        while True:
            try:
                assert ask(server, "/livez", tls=trust)[0] == 200
                break
            except ssl.SSLCertVerificationError:
                assert time.monotonic() < end


def test_a_certificate_that_cannot_be_used_is_told_with_its_key(tmp_path):
    authority = Authority(tmp_path, "ca")
    one, two = authority.issue("one"), authority.issue("two")
    for certificate, key in ((one.certificate, two.key), (tmp_path / "none", one.key)):
        with pytest.raises(ConfigError) as caught, serving(certificate=certificate, key=key):
            pass
        assert [fault.key for fault in caught.value.faults] == ["server.tls_certificate"]
