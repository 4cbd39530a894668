"""The HTTP server's certificate: new connections get what its files hold now."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from pathlib import Path

from worker.errors import ConfigError, Fault
from worker.logs import Seldom

logger = logging.getLogger(__name__)

LOOK_S = 2.0


class Certificate:
    """A certificate with its key, in PEM files.

    Attributes:
        context: for the server; it is the same when the files change.
    """

    def __init__(self, file: Path, key: Path) -> None:
        self._files = file, key
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._state: tuple = ()
        self._seldom = Seldom(logger)

    def load(self) -> None:
        """Read the files.

        Raises:
            ConfigError: they cannot be read, or are no pair; what was loaded before stays.
        """
        certificate, key = self._files
        try:
            state = self._now()
            # A broken pair would spoil the context that serves: it is tried on another first.
            for context in (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), self.context):
                context.load_cert_chain(certificate, key, password="")
        except (OSError, ValueError) as error:
            found = f"{certificate} ({getattr(error, 'strerror', None) or error})"
            expected = "a certificate, and its unencrypted key in server.tls_key"
            fault = Fault(
                "server.tls_certificate", found, expected, "mend the files or their paths"
            )
            raise ConfigError("cannot serve health and metrics", [fault]) from None
        self._state = state

    async def watch(self) -> None:
        """Read the files again whenever they change."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                if self._now() != self._state:
                    self.load()
                    logger.info("the certificate of health and metrics was read again")
            except (ConfigError, OSError) as error:  # perhaps in the midst of their rotation
                self._seldom.warning("files", "the certificate is not read again: %s", error)

    def _now(self) -> tuple:
        found = [os.stat(file) for file in self._files]
        return tuple((item.st_mtime_ns, item.st_ino, item.st_size) for item in found)
