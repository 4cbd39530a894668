"""Who may read `/metrics`, what a certificate's renewal does, and what strangers cannot do."""

import base64
import http.client
import logging
import socket
import ssl
from contextlib import closing, contextmanager, suppress

import pytest

from tests.servers.certificates import Authority
from worker.config.settings import Server
from worker.errors import ConfigError
from worker.server import responses
from worker.server.http import Certificate, Health, HttpServer

TOKEN = "correct-horse"


async def metrics() -> bytes:
    return b"one_total 1.0\n"


async def well() -> Health:
    return Health(True)


@contextmanager
def serving(**options):
    server = HttpServer(Server(port=0, **options), metrics, well, well)
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
    with serving(token=TOKEN) as server:
        found, body, answer = ask(server, authorization=authorization)
        assert found == status and (b"one_total" in body) == (status == 200)
        assert status == 200 or answer.getheader("WWW-Authenticate")


def test_probes_are_open_and_a_token_from_a_file_is_read_again(tmp_path):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    with serving(token=f"file:{file}") as server:
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
    ("sent", "statuses"),
    [
        (b"nonsense\r\n\r\n", (b"400",)),
        (b"GET /livez HTTP/1.0\r\n\r\n", (b"200",)),
        (b"\x16\x03\x01\x02\x00\x01\x00", (b"400",)),  # TLS, to a server without
        (b"GET /" + 70_000 * b"a" + b" HTTP/1.1\r\n\r\n", (b"400", b"")),
        (b"GET /livez HTTP/1.1\r\nX: " + 70_000 * b"a", (b"400", b"")),
        (b"GET /livez HTTP/1.1\r\n" + 1000 * b"X: y\r\n" + b"\r\n", (b"400", b"")),
    ],
)
def test_what_is_no_request_or_too_large_is_refused_and_not_logged(sent, statuses, caplog):
    caplog.set_level(logging.DEBUG, "worker")
    with serving() as server, socket.create_connection(("127.0.0.1", port(server)), 20) as peer:
        try:
            peer.sendall(sent)
            found = peer.recv(12)
        except ConnectionError:  # cut off in the midst of it
            found = b""
        assert found[9:] in statuses
        assert ask(server, "/livez")[0] == 200
    assert not caplog.records


@pytest.mark.parametrize(
    "sent", [b"", b"GET /livez HT", b"POST /livez HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"]
)
def test_one_that_sends_without_end_is_cut_off(monkeypatch, sent):
    monkeypatch.setattr(responses, "CONNECTION_S", 0.2)
    with serving() as server, socket.create_connection(("127.0.0.1", port(server)), 20) as peer:
        peer.sendall(sent)
        with suppress(ConnectionError):
            while peer.recv(1000):
                pass


@pytest.mark.parametrize("secure", [False, True])
def test_a_silent_connection_is_cut_off(monkeypatch, tmp_path, secure):
    monkeypatch.setattr(responses, "CONNECTION_S", 0.2)
    with (
        serving(**(pair(tmp_path) if secure else {})) as server,
        socket.create_connection(("127.0.0.1", port(server)), 20) as peer,
        suppress(ConnectionError),
    ):
        assert peer.recv(1) == b""


def test_a_fault_of_the_server_itself_is_logged(caplog):
    async def broken():
        raise KeyError("x")

    server = HttpServer(Server(port=0), broken, well, well)
    server.start()
    try:
        assert ask(server)[0] == 500
    finally:
        server.stop()
    assert "/metrics could not be answered" in caplog.text


def pair(folder) -> dict:
    found = Authority(folder, "ca").issue("worker")
    return {"tls_certificate": found.certificate, "tls_key": found.key}


@pytest.mark.parametrize("secure", [False, True])
def test_probes_get_through_a_crowd_of_silent_connections(tmp_path, secure):
    with serving(**(pair(tmp_path) if secure else {})) as server:
        crowd = [
            socket.create_connection(("127.0.0.1", port(server)), 20)
            for _ in range(3 * responses.MAX_CONNECTIONS)
        ]
        trust = ssl._create_unverified_context() if secure else None
        for _ in range(5):
            assert ask(server, "/livez", tls=trust)[0] == 200
        for peer in crowd:
            peer.close()


def test_a_renewed_certificate_is_shown_to_new_connections(tmp_path, caplog):
    first, second = Authority(tmp_path, "first"), Authority(tmp_path, "second")
    mine, newer = first.issue("worker"), second.issue("newer")
    trust = ssl.create_default_context(cafile=second.file)
    with serving(tls_certificate=mine.certificate, tls_key=mine.key, token=TOKEN) as server:
        assert server.url.startswith("https://")
        assert ask(server, tls=ssl.create_default_context(cafile=first.file))[0] == 401
        with pytest.raises(ssl.SSLCertVerificationError):
            ask(server, tls=trust)
        mine.key.write_bytes(newer.key.read_bytes())  # in the midst of it: the old one goes on
        assert ask(server, "/livez", tls=ssl.create_default_context(cafile=first.file))[0] == 200
        mine.key.unlink()
        assert ask(server, "/livez", tls=ssl.create_default_context(cafile=first.file))[0] == 200
        mine.key.write_bytes(newer.key.read_bytes())
        mine.certificate.write_bytes(newer.certificate.read_bytes())
        assert ask(server, "/livez", tls=trust)[0] == 200
    assert "the certificate is not read again" in caplog.text


def test_a_certificate_that_cannot_be_used_is_reported_with_its_key(tmp_path):
    authority = Authority(tmp_path, "ca")
    one, two = authority.issue("one"), authority.issue("two")
    for certificate, key in ((one.certificate, two.key), (tmp_path / "none", one.key)):
        with (
            pytest.raises(ConfigError) as caught,
            serving(tls_certificate=certificate, tls_key=key),
        ):
            pass
        assert [fault.key for fault in caught.value.faults] == ["server.tls_certificate"]


def test_the_file_that_cannot_be_read_is_the_one_that_is_named(tmp_path):
    certificate, key = tmp_path / "there.crt", tmp_path / "missing.key"
    certificate.write_text("x")
    with pytest.raises(ConfigError, match=r"found \S+missing\.key \(No such file or directory\)"):
        Certificate(certificate, key)
