"""The faults' proxy hands on every byte, and hurts what goes through it when told to."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager

import pytest

from tests.faults.proxy import Network


@contextmanager
def echo():
    """A server that sends back what it gets; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

        def answer(connection):
            with connection:
                try:
                    while data := connection.recv(65_536):
                        connection.sendall(data)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def proxy():
    network = Network()
    with echo() as port:
        proxy = network.proxy()
        proxy.upstream = f"127.0.0.1:{port}"
        yield proxy
        network.close()


def connected(proxy):
    connection = socket.create_connection(("127.0.0.1", proxy.port), 10)
    connection.settimeout(10)
    return connection


def refuses(proxy):
    """Whether a new connection ends, at once or when something is asked of it."""
    try:
        with connected(proxy) as connection:
            connection.sendall(b"any")
            return connection.recv(1) == b""
    except ConnectionError:
        return True


def received(connection, count):
    data = b""
    while len(data) < count:
        part = connection.recv(65_536)
        assert part, "closed"
        data += part
    return data


def test_all_bytes_come_through_both_ways(proxy):
    data = bytes(range(256)) * 8000
    with connected(proxy) as connection:
        threading.Thread(target=connection.sendall, args=(data,), daemon=True).start()
        assert received(connection, len(data)) == data


def test_cut_resets_what_is_open_and_what_comes_until_it_is_healed(proxy):
    with connected(proxy) as connection:
        connection.sendall(b"before")
        assert received(connection, 6) == b"before"
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    assert refuses(proxy)
    proxy.heal()
    with connected(proxy) as connection:
        connection.sendall(b"after")
        assert received(connection, 5) == b"after"


def test_stalled_bytes_come_when_it_is_healed(proxy):
    with connected(proxy) as connection:
        proxy.stall()
        connection.sendall(b"held")
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        proxy.heal()
        connection.settimeout(10)
        assert received(connection, 4) == b"held"


def test_a_delay_is_no_lower_rate(proxy):
    """Many chunks come each delayed once, not one after the other."""
    proxy.delay(0.2)
    with connected(proxy) as connection:
        began = time.monotonic()
        for _ in range(20):
            connection.sendall(b"part")
            time.sleep(0.01)
        assert received(connection, 80) == b"part" * 20
        assert 0.4 <= time.monotonic() - began < 4.0, "each way once, not for each chunk"


def test_without_its_server_it_refuses(proxy):
    proxy.upstream = "127.0.0.1:1"
    assert refuses(proxy)
