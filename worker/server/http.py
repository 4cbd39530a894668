"""`/metrics`, `/livez` and `/readyz`, from one thread beside the main loop.

The probes report the main loop's heartbeat, not the life of this thread: a hung loop fails them.
They are open to everybody, since Kubernetes' kubelet has no credentials; `/metrics` asks for the
token if there is one.

What it takes from strangers is bounded: no connection has a thread of its own, a request must be
whole within seconds and a few kilobytes, and where there are too many, the oldest goes.
"""

from __future__ import annotations

import asyncio
import base64
import errno
import hmac
import socket
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from worker.config.secrets import Secret
from worker.errors import ConfigError, Fault
from worker.server.certificate import Certificate

HOST_REMEDY = "set server.host to 127.0.0.1, or to 0.0.0.0 for every address of this machine"
LARGEST_HEAD = 16_384  # bytes of request line and headers
CONNECTION_S = 10.0  # for handshake, request and answer together
MOST_CONNECTIONS = 128
PAUSE_S = 0.1


@dataclass(frozen=True)
class Health:
    """The answer of a probe: 200 when ok, else 503, with the details as JSON."""

    ok: bool
    details: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """Status, media type, body, and headers beside those of every answer."""

    status: HTTPStatus
    kind: str = "text/plain"
    body: bytes = b""
    headers: tuple[str, ...] = ()

    def encoded(self, head_only: bool) -> bytes:
        lines = [f"HTTP/1.1 {self.status.value} {self.status.phrase}", *self.headers]
        lines += [f"Content-Type: {self.kind}", f"Content-Length: {len(self.body)}"]
        lines += ["Connection: close", "X-Content-Type-Options: nosniff", "", ""]
        return "\r\n".join(lines).encode() + (b"" if head_only else self.body)


class HttpServer:
    """Serves until `stop`; `live` and `ready` are called in its thread and must not block.

    Args:
        certificate, key: PEM files; with them it speaks HTTPS. They are read again when they
            change.
        token: asked for by `/metrics`.
    """

    def __init__(
        self,
        host: str,
        port: int,
        registry: CollectorRegistry,
        live: Callable[[], Health],
        ready: Callable[[], Health],
        certificate: Path | None = None,
        key: Path | None = None,
        token: Secret | None = None,
    ) -> None:
        self._address = host, port
        self._routes = {"/livez": live, "/readyz": ready}
        self._registry, self._token = registry, token
        self._certificate = Certificate(certificate, key) if certificate and key else None
        self._socket: socket.socket | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)
        self._running = threading.Event()
        self._open: OrderedDict[asyncio.Task[None], None] = OrderedDict()  # the oldest first

    @property
    def url(self) -> str:
        """`http://host:port` that it listens on; empty before `start`."""
        if self._socket is None:
            return ""
        host, port = self._socket.getsockname()[:2]
        scheme = "https" if self._certificate else "http"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    def start(self) -> None:
        """Listen.

        Raises:
            ConfigError: the address cannot be bound, or the certificate not be used; names the key.
        """
        if self._certificate:
            self._certificate.load()
        self._socket = _bound(*self._address)
        self._thread.start()
        self._running.wait()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._main.cancel)
            self._thread.join()

    def _run(self) -> None:
        self._main = self._loop.create_task(self._accept())
        self._running.set()
        with suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._main)
        self._socket.close()
        self._loop.close()

    async def _accept(self) -> None:
        """Take connections; one that is too many ends the oldest, be it in its TLS handshake."""
        watching = self._certificate and self._loop.create_task(self._certificate.watch())
        try:
            while True:
                try:
                    connection, _ = await self._loop.sock_accept(self._socket)
                except OSError:  # it went, or no file descriptor is free
                    await asyncio.sleep(PAUSE_S)
                    continue
                if len(self._open) >= MOST_CONNECTIONS:
                    self._open.popitem(last=False)[0].cancel()
                task = self._loop.create_task(self._serve(connection))
                self._open[task] = None
                task.add_done_callback(lambda task: self._open.pop(task, None))
                await asyncio.sleep(0)  # a flood of connections leaves time to answer them
        finally:
            left = [*self._open, *([watching] if watching else [])]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _serve(self, connection: socket.socket) -> None:
        reader = asyncio.StreamReader(LARGEST_HEAD)
        protocol = asyncio.StreamReaderProtocol(reader)
        tls = self._certificate and self._certificate.context
        transport = None
        # What a stranger does wrong is no news; cancelled is who was too many, or at the end.
        with suppress(OSError, TimeoutError, EOFError, asyncio.LimitOverrunError):
            try:
                async with asyncio.timeout(CONNECTION_S):
                    transport, _ = await self._loop.connect_accepted_socket(
                        lambda: protocol, connection, ssl=tls
                    )
                    writer = asyncio.StreamWriter(transport, protocol, reader, self._loop)
                    await self._answer(reader, writer)
                    writer.close()
                    await writer.wait_closed()
            finally:
                (transport.abort if transport else connection.close)()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        line, *rest = head.decode("latin-1").split("\r\n")
        method, _, target = line.partition(" ")
        path, _, version = target.partition(" ")
        if not version.startswith("HTTP/1."):
            answer = Answer(HTTPStatus.BAD_REQUEST)
        elif method not in ("GET", "HEAD"):
            answer = Answer(HTTPStatus.METHOD_NOT_ALLOWED, headers=("Allow: GET, HEAD",))
        else:
            answer = self._found(path.partition("?")[0], _headers(rest).get("authorization", ""))
        writer.write(answer.encoded(head_only=method == "HEAD"))
        await writer.drain()

    def _found(self, path: str, authorization: str) -> Answer:
        if path == "/metrics":
            if self._token and not _knows(authorization, self._token.read()):
                ask = 'WWW-Authenticate: Bearer realm="query-worker"'
                basic = 'WWW-Authenticate: Basic realm="query-worker"'
                return Answer(HTTPStatus.UNAUTHORIZED, headers=(ask, basic))
            body = generate_latest(self._registry)
            return Answer(HTTPStatus.OK, CONTENT_TYPE_LATEST, body)
        if path in self._routes:
            health = self._routes[path]()
            body = orjson.dumps({"status": "ok" if health.ok else "failing", **health.details})
            status = HTTPStatus.OK if health.ok else HTTPStatus.SERVICE_UNAVAILABLE
            return Answer(status, "application/json", body)
        return Answer(HTTPStatus.NOT_FOUND, body=b"/metrics /livez /readyz\n")


def _headers(lines: list[str]) -> dict[str, str]:
    """Header values by lower-case name."""
    pairs = (line.partition(":") for line in lines)
    return {name.lower(): value.strip() for name, _, value in pairs}


def _knows(authorization: str, token: str) -> bool:
    """Whether the header carries the token: as bearer, or as the password of basic auth."""
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode().partition(":")[2]
        except ValueError:
            return False
    elif scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given.encode(), token.encode())


def _bound(host: str, port: int) -> socket.socket:
    """A socket that listens there; of a name's addresses, IPv4 goes before IPv6."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, *_, address = min(found, key=lambda item: item[0] != socket.AF_INET)
    except (OSError, UnicodeError):  # a label of a name may be too long, or empty
        raise _refused("server.host", host, "a name that resolves", HOST_REMEDY) from None
    try:
        bound = socket.create_server(address[:2], family=family, backlog=MOST_CONNECTIONS)
        bound.setblocking(False)
        return bound
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            told = f"{port} ({error.strerror})"
            remedy = "set server.port to a free one, 0 takes any"
            raise _refused("server.port", told, "a port to listen on", remedy) from None
        told = f"{host} ({error.strerror})"
        raise _refused("server.host", told, "an address of this machine", HOST_REMEDY) from None


def _refused(key: str, found: str, expected: str, remedy: str) -> ConfigError:
    return ConfigError("cannot serve health and metrics", [Fault(key, found, expected, remedy)])
