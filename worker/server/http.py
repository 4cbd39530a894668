"""`/metrics`, `/livez` and `/readyz`, served in a thread of its own.

The probes report the main loop's heartbeat, not the life of this thread: a hung loop fails them.
They are open to everybody, since Kubernetes' kubelet has no credentials; `/metrics` asks for the
token if there is one.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from worker.config.secrets import file_state
from worker.config.settings import Server
from worker.errors import ConfigError, Fault
from worker.logs import Seldom

logger = logging.getLogger(__name__)

HOST_REMEDY = "set server.host to 127.0.0.1, or to 0.0.0.0 for every address of this machine"
BACKLOG = 128
START_S = 2.0


@dataclass(frozen=True)
class Health:
    """The response of a probe: 200 when ok, else 503, with the details as JSON."""

    ok: bool
    details: dict[str, object] = field(default_factory=dict)


Probe = Callable[[], Awaitable[Health]]
Metrics = Callable[[], Awaitable[bytes]]


class HttpServer:
    """Serves until `stop`.

    Args:
        server: where it listens, its certificate and its token.
        metrics, live, ready: awaited in its thread for each request; they must not block.
        listener: a socket that listens already; without TLS, whatever `server` says.
    """

    def __init__(
        self,
        server: Server,
        metrics: Metrics,
        live: Probe,
        ready: Probe,
        listener: socket.socket | None = None,
    ) -> None:
        self._server, self._socket = server, listener
        self._metrics, self._probes = metrics, {"/livez": live, "/readyz": ready}
        self._certificate: Certificate | None = None
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)
        self.url = ""

    def start(self) -> None:
        """Listen; `url` is known from then on.

        Raises:
            ConfigError: the address cannot be bound, or the certificate not be used; names the key.
        """
        pair = self._server.tls_certificate, self._server.tls_key
        if all(pair) and not self._socket:
            self._certificate = Certificate(*pair)
        self._socket = self._socket or _bound(self._server.host, self._server.port)
        scheme = "https" if self._certificate else "http"
        host, port = self._socket.getsockname()[:2]
        self.url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
        self._loop = asyncio.new_event_loop()
        self._main = self._loop.create_task(self._serve())
        self._thread.start()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._main.cancel)
            self._thread.join()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._main)
        except asyncio.CancelledError:
            pass
        except Exception:
            logger.exception("health and metrics are no longer served; please report it")
        self._loop.close()
        self._socket.close()

    async def _serve(self) -> None:
        await self._asked()
        from worker.server.responses import Responses  # and with it aiohttp, see `_asked`

        tls = self._certificate and self._certificate.context
        responses = Responses(self._metrics, self._probes, self._server.token)
        await responses.serve(self._socket, tls)

    async def _asked(self) -> None:
        """Wait for the first client or for the start to be over.

        To import aiohttp takes a seventh of the CPU time of the start, which need not wait for it.
        """
        came = asyncio.Event()
        self._loop.add_reader(self._socket, came.set)
        with suppress(TimeoutError):
            await asyncio.wait_for(came.wait(), START_S)
        self._loop.remove_reader(self._socket)


def _bound(host: str, port: int) -> socket.socket:
    """A socket that listens there; of a name's addresses, IPv4 goes before IPv6."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, *_, address = min(found, key=lambda item: item[0] != socket.AF_INET)
    except (OSError, UnicodeError):  # a label of a name may be too long, or empty
        raise _refused("server.host", host, "a name that resolves", HOST_REMEDY) from None
    try:
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            found = f"{port} ({error.strerror})"
            remedy = "set server.port to a free one, 0 takes any"
            raise _refused("server.port", found, "a port to listen on", remedy) from None
        found = f"{host} ({error.strerror})"
        raise _refused("server.host", found, "an address of this machine", HOST_REMEDY) from None


def check_certificate(server: Server) -> None:
    """Look at the certificate and its key, where there are some.

    Raises:
        ConfigError: see `Certificate`.
    """
    if server.tls_certificate and server.tls_key:
        Certificate(server.tls_certificate, server.tls_key)


class Certificate:
    """A certificate and its key, in PEM files; no task watches them, each handshake looks.

    Raises:
        ConfigError: the files cannot be read, or are no pair.

    Attributes:
        context: for the server; its connections get what the files hold at their handshake. While
            those cannot be used, which may be in the midst of their rotation, they get the last
            pair that could, and the next handshake tries again.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self._files = certificate, key
        self._seldom = Seldom(logger)
        try:
            self._state = self._states()
            self.context = self._current = self._load()
        except (OSError, ValueError) as error:
            expected = "a certificate, and its unencrypted key in server.tls_key"
            remedy = "correct the files or their paths"
            found = self._described(error)
            raise _refused("server.tls_certificate", found, expected, remedy) from None
        self.context.sni_callback = self._on_handshake

    def _on_handshake(self, connection: ssl.SSLObject, *_: object) -> None:
        try:
            state = self._states()
            if state != self._state:
                self._current, self._state = self._load(), state
                logger.info("the certificate of health and metrics was read again")
        except (OSError, ValueError) as error:
            self._seldom.warning(
                "files", "the certificate is not read again: %s", self._described(error)
            )
        connection.context = self._current

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(*self._files, password="")
        return context

    def _states(self) -> list[tuple]:
        return [file_state(file) for file in self._files]

    def _described(self, error: Exception) -> str:
        unread = (file for file in self._files if not os.access(file, os.R_OK))
        return f"{next(unread, self._files[0])} ({getattr(error, 'strerror', None) or error})"


def _refused(key: str, found: str, expected: str, remedy: str) -> ConfigError:
    return ConfigError("cannot serve health and metrics", [Fault(key, found, expected, remedy)])
