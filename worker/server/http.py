"""`/metrics`, `/livez` and `/readyz`, from one thread beside the main loop.

The probes report the main loop's heartbeat, not the life of this thread: a hung loop fails them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from worker.errors import StartupError


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
        return f"http://{host}:{port}"

    def start(self) -> None:
        """Listen.

        Raises:
            StartupError: the address cannot be bound.
        """
        outer = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self) -> None:
                outer._answer(self)

            def log_message(self, *_: object) -> None:
                """Probes and scrapes are no news."""

        try:
            self._server = ThreadingHTTPServer(self._address, Handler)
        except OSError as error:
            host, port = self._address
            raise StartupError(
                f"cannot listen on {host}:{port} ({error.strerror}); "
                "set server.port to a free one, 0 takes any"
            ) from None
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
