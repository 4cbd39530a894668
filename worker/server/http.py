"""`/metrics`, `/livez` and `/readyz`: aiohttp in a thread of its own.

The probes report the main loop's heartbeat, not the life of this thread: a hung loop fails them.
They are open to everybody, since Kubernetes' kubelet has no credentials; `/metrics` asks for the
token if there is one. Client errors are not logged.
"""

from __future__ import annotations

import asyncio
import errno
import hmac
import logging
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import orjson
from aiohttp import BasicAuth, web
from prometheus_client import CONTENT_TYPE_LATEST

from worker.config.settings import Server
from worker.errors import ConfigError, Fault
from worker.server.certificate import Certificate

logger = logging.getLogger(__name__)

HOST_REMEDY = "set server.host to 127.0.0.1, or to 0.0.0.0 for every address of this machine"
CONNECTION_S = 10.0  # for the TLS handshake, and again for request and response together
MAX_CONNECTIONS = 128
CHALLENGES = [("WWW-Authenticate", f'{way} realm="query-worker"') for way in ("Bearer", "Basic")]


@dataclass(frozen=True)
class Health:
    """The response of a probe: 200 when ok, else 503, with the details as JSON."""

    ok: bool
    details: dict[str, object] = field(default_factory=dict)


class HttpServer:
    """Serves until `stop`.

    Args:
        server: where it listens, its certificate and its token.
        metrics, live, ready: awaited in its thread for each request; they must not block.
        listener: a socket that listens already, instead of `server.host` and `server.port`.
    """

    def __init__(
        self,
        server: Server,
        metrics: Callable[[], Awaitable[bytes]],
        live: Callable[[], Awaitable[Health]],
        ready: Callable[[], Awaitable[Health]],
        listener: socket.socket | None = None,
    ) -> None:
        self._server, self._socket = server, listener
        self._metrics, self._probes = metrics, {"/livez": live, "/readyz": ready}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)
        self.url = ""

    def start(self) -> None:
        """Listen; `url` is known from then on.

        Raises:
            ConfigError: the address cannot be bound, or the certificate not be used; names the key.
        """
        pair = self._server.tls_certificate, self._server.tls_key
        tls = Certificate(*pair).context if all(pair) else None
        self._socket = self._socket or _bound(self._server.host, self._server.port)
        host, port = self._socket.getsockname()[:2]
        self.url = f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
        self._main = self._loop.create_task(self._serve(tls))
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

    async def _serve(self, tls: ssl.SSLContext | None) -> None:
        clients = logging.getLogger(f"{__name__}.clients")
        clients.setLevel(logging.CRITICAL)
        connections = _Connections(self._answer, access_log=None, logger=clients)
        handshake_s = CONNECTION_S if tls else None
        server = await self._loop.create_server(
            connections, sock=self._socket, ssl=tls, ssl_handshake_timeout=handshake_s
        )
        try:
            await asyncio.Event().wait()  # until cancelled
        finally:
            server.close()
            await connections.shutdown(0)

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        try:
            response = await self._response(request)
        except Exception:
            logger.exception("%s could not be answered; please report it", request.path)
            response = web.Response(status=500)
        response.force_close()
        return response

    async def _response(self, request: web.BaseRequest) -> web.Response:
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        if probe := self._probes.get(request.path):
            health = await probe()
            body = orjson.dumps({"status": "ok" if health.ok else "failing", **health.details})
            status = 200 if health.ok else 503
            return web.Response(status=status, body=body, content_type="application/json")
        if request.path != "/metrics":
            return web.Response(status=404, text="/metrics /livez /readyz\n")
        token = self._server.token
        if token and not _knows(request.headers.get("Authorization", ""), token.read()):
            return web.Response(status=401, headers=CHALLENGES)
        return web.Response(
            body=await self._metrics(), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )


class _Connections(web.Server):
    """aiohttp bounds what it reads of a client; this bounds their number and their time.

    Where there are too many, the oldest is closed: a crowd of silent ones locks no probe out.
    """

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        self._loop.call_later(CONNECTION_S, transport.abort)
        if len(self._connections) > MAX_CONNECTIONS:
            next(iter(self._connections.values())).abort()


def _knows(authorization: str, token: str) -> bool:
    """Whether the header carries the token: as bearer, or as the password of basic auth."""
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            given = BasicAuth.decode(authorization, "utf-8").password
        except ValueError:
            return False
    elif scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given.encode(errors="surrogateescape"), token.encode())


def _bound(host: str, port: int) -> socket.socket:
    """A socket that listens there; of a name's addresses, IPv4 goes before IPv6."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, *_, address = min(found, key=lambda item: item[0] != socket.AF_INET)
    except (OSError, UnicodeError):  # a label of a name may be too long, or empty
        raise _refused("server.host", host, "a name that resolves", HOST_REMEDY) from None
    try:
        return socket.create_server(address[:2], family=family, backlog=MAX_CONNECTIONS)
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            found = f"{port} ({error.strerror})"
            remedy = "set server.port to a free one, 0 takes any"
            raise _refused("server.port", found, "a port to listen on", remedy) from None
        found = f"{host} ({error.strerror})"
        raise _refused("server.host", found, "an address of this machine", HOST_REMEDY) from None


def _refused(key: str, found: str, expected: str, remedy: str) -> ConfigError:
    return ConfigError("cannot serve health and metrics", [Fault(key, found, expected, remedy)])
