"""The HTTP responses: what aiohttp serves, and what clients can hold of it.

Client errors are not logged.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import socket
import ssl

import orjson
from aiohttp import BasicAuth, web
from prometheus_client import CONTENT_TYPE_LATEST

from worker.config.secrets import Secret
from worker.server.http import Metrics, Probe

logger = logging.getLogger(__name__)

CONNECTION_S = 10.0  # for the TLS handshake, and again for request and response together
MAX_CONNECTIONS = 128
CHALLENGES = [("WWW-Authenticate", f'{way} realm="query-worker"') for way in ("Bearer", "Basic")]


class Responses:
    """Responds to GET and HEAD of `/metrics` and of each path in `probes`."""

    def __init__(self, metrics: Metrics, probes: dict[str, Probe], token: Secret | None) -> None:
        self._metrics, self._probes, self._token = metrics, probes, token

    async def serve(self, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Serve until cancelled; closes the listener."""
        clients = logging.getLogger(f"{__name__}.clients")
        clients.setLevel(logging.CRITICAL)
        connections = _Connections(self._answer, access_log=None, logger=clients)
        handshake_s = CONNECTION_S if tls else None
        server = await asyncio.get_running_loop().create_server(
            connections, sock=listener, ssl=tls, ssl_handshake_timeout=handshake_s
        )
        try:
            await asyncio.Event().wait()
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
        given = request.headers.get("Authorization", "")
        if self._token and not _matches(given, self._token.read()):
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


def _matches(authorization: str, token: str) -> bool:
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
