"""Where the health and metrics server listens, and what it says when it cannot."""

import socket
import urllib.request

import pytest

from worker.config.settings import Server
from worker.errors import ConfigError
from worker.server.http import Health, HttpServer


async def metrics() -> bytes:
    return b""


async def well() -> Health:
    return Health(True)


def server(host: str, port: int = 0) -> HttpServer:
    return HttpServer(Server(host=host, port=port), metrics, well, well)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("nowhere.invalid", "a name that resolves"),
        ("a..b", "a name that resolves"),
        ("x" * 300, "a name that resolves"),
        ("192.0.2.1", "an address of this machine"),  # reserved for documentation
    ],
)
def test_a_host_that_cannot_be_listened_on_is_reported_with_its_key(host, expected):
    with pytest.raises(ConfigError) as caught:
        server(host).start()
    [fault] = caught.value.faults
    assert (fault.key, fault.expected) == ("server.host", expected)
    assert host in fault.found and "set server.host to 127.0.0.1" in fault.remedy


def test_a_taken_port_is_reported_with_its_key():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError) as caught:
            server("127.0.0.1", port).start()
    [fault] = caught.value.faults
    assert fault.key == "server.port" and str(port) in fault.found
    assert "0 takes any" in fault.remedy


def test_stopped_before_the_first_request_it_listens_no_more():
    http = server("127.0.0.1")
    http.start()
    port = int(http.url.rpartition(":")[2])
    http.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 5)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_it_answers_where_it_says(host):
    http = server(host)
    try:
        http.start()
    except ConfigError:
        assert host == "::1", "IPv4 is everywhere"
        pytest.skip("this machine has no IPv6")
    try:
        with urllib.request.urlopen(f"{http.url}/livez", timeout=10) as answer:
            assert answer.status == 200
    finally:
        http.stop()
