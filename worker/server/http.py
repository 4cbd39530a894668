"""`/metrics`, `/livez` and `/readyz`, from one thread beside the main loop.

The probes report the main loop's heartbeat, not the life of this thread: a hung loop fails them.
"""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from worker.errors import ConfigError, Fault

HOST_REMEDY = "set server.host to 127.0.0.1, or to 0.0.0.0 for every address of this machine"


@dataclass(frozen=True)
class Health:
    """The answer of a probe: 200 when ok, else 503, with the details as JSON."""

    ok: bool
    details: dict[str, object] = field(default_factory=dict)


class HttpServer:
    """Serves until `stop`; `live` and `ready` are called in its threads and must not block."""

    def __init__(
        self,
        host: str,
        port: int,
        registry: CollectorRegistry,
        live: Callable[[], Health],
        ready: Callable[[], Health],
    ) -> None:
        self._address = host, port
        self._routes = {"/livez": live, "/readyz": ready}
        self._registry = registry
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """`http://host:port` that it listens on; empty before `start`."""
        if self._server is None:
            return ""
        host, port = self._server.server_address[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self) -> None:
        """Listen.

        Raises:
            ConfigError: the address cannot be bound; names `server.host` or `server.port`.
        """
        outer = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self) -> None:
                outer._answer(self)

            def log_message(self, *_: object) -> None:
                """Probes and scrapes are no news."""

        self._server = _bound(*self._address, Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="http", daemon=True).start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path.split("?")[0]
        if path == "/metrics":
            self._send(request, 200, CONTENT_TYPE_LATEST, generate_latest(self._registry))
        elif path in self._routes:
            health = self._routes[path]()
            body = orjson.dumps({"status": "ok" if health.ok else "failing", **health.details})
            self._send(request, 200 if health.ok else 503, "application/json", body)
        else:
            self._send(request, 404, "text/plain", b"/metrics /livez /readyz\n")

    @staticmethod
    def _send(request: BaseHTTPRequestHandler, status: int, kind: str, body: bytes) -> None:
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


def _bound(host: str, port: int, handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    """A server that listens there; of a name's addresses, IPv4 goes before IPv6."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, *_, address = min(found, key=lambda item: item[0] != socket.AF_INET)
    except (OSError, UnicodeError):  # a label of a name may be too long, or empty
        raise _refused("server.host", host, "a name that resolves", HOST_REMEDY) from None
    try:
        server = type("Server", (ThreadingHTTPServer,), {"address_family": family})
        return server(address[:2], handler)
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            told = f"{port} ({error.strerror})"
            remedy = "set server.port to a free one, 0 takes any"
            raise _refused("server.port", told, "a port to listen on", remedy) from None
        told = f"{host} ({error.strerror})"
        raise _refused("server.host", told, "an address of this machine", HOST_REMEDY) from None


def _refused(key: str, found: str, expected: str, remedy: str) -> ConfigError:
    return ConfigError("cannot serve health and metrics", [Fault(key, found, expected, remedy)])
