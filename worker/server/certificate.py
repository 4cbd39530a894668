"""The HTTP server's certificate, read again when its files change."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from worker.config.secrets import file_state
from worker.errors import ConfigError, Fault
from worker.logs import Seldom

logger = logging.getLogger(__name__)


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
            fault = Fault("server.tls_certificate", self._told(error), expected, remedy)
            raise ConfigError("cannot serve health and metrics", [fault]) from None
        self.context.sni_callback = self._on_handshake

    def _on_handshake(self, connection: ssl.SSLObject, *_: object) -> None:
        try:
            state = self._states()
            if state != self._state:
                self._current, self._state = self._load(), state
                logger.info("the certificate of health and metrics was read again")
        except (OSError, ValueError) as error:
            self._seldom.warning(
                "files", "the certificate is not read again: %s", self._told(error)
            )
        connection.context = self._current

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(*self._files, password="")
        return context

    def _states(self) -> list[tuple]:
        return [file_state(file) for file in self._files]

    def _told(self, error: Exception) -> str:
        return f"{self._files[0]} ({getattr(error, 'strerror', None) or error})"
