"""How the connection to Triton is secured: TLS, a certificate of our own, a token with each call.

Certificates, keys and the token are read again when their files change: the token with the next
call, the others with the next look at the models, once a second.
"""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from tritonclient.grpc import InferenceServerClientPlugin, Request

from worker.config.secrets import Secret
from worker.errors import ConfigError, Fault
from worker.logs import Seldom
from worker.redact import redacted
from worker.tls_diagnosis import Diagnosis

logger = logging.getLogger(__name__)

LONGEST = 300  # characters of a server's message

# Words of gRPC's or Triton's → what they mean and the remedy; the first that fits counts.
MEANINGS = {
    "certificate has expired": Diagnosis(
        "its certificate has expired", "renew it on the server, or set this machine's clock"
    ),
    "CERTIFICATE_VERIFY_FAILED": Diagnosis(
        "its certificate is of an unknown authority",
        "let inference.tls_ca hold the authority that signed it",
    ),
    "Hostname Verification Check failed": Diagnosis(
        "its certificate is not for the host of inference.url",
        "connect by the name in it, or have one made that names this host",
    ),
    "WRONG_VERSION_NUMBER": Diagnosis(
        "it does not speak TLS",
        "set inference.tls = false, or let inference.url name the port that does",
    ),
    "This protocol is restricted": Diagnosis(
        "it asks for another token or header", "correct inference.token and inference.token_header"
    ),
}
CLOSED = "Socket closed"
REFUSED = Diagnosis(
    "it ends each connection after the TLS handshake",
    "if it asks for a certificate, correct inference.tls_certificate and inference.tls_key: theirs"
    " is missing, has expired, or is of an authority unknown to it",
)
TLS_WANTED = Diagnosis("it ends each connection", "if it speaks TLS, set inference.tls = true")


@dataclass
class Access(InferenceServerClientPlugin):
    """Puts the token into the headers of each call, and keeps the TLS files up to date.

    Attributes:
        authority, certificate, key: PEM files, or None; unused without `tls`.
        header: the token's; `authorization` carries it as `Bearer TOKEN`.
    """

    tls: bool = False
    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    token: Secret | None = None
    header: str = "authorization"
    _read: list[bytes | None] = field(default_factory=list, repr=False)
    _seldom: Seldom = field(default_factory=lambda: Seldom(logger), repr=False)

    def __call__(self, request: Request) -> None:
        request.headers.update(self.metadata())

    def metadata(self) -> list[tuple[str, str]]:
        """What each call carries."""
        if not self.token:
            return []
        value = self.token.read()
        bearer = self.header == "authorization"
        return [(self.header, f"Bearer {value}" if bearer else value)]

    def credentials(self) -> grpc.ChannelCredentials | None:
        """Made of the files as they are now; None without TLS.

        Raises:
            ConfigError: a file cannot be read, or certificate and key are no pair.
        """
        return self._made(self._files()) if self.tls else None

    def renewed(self) -> grpc.ChannelCredentials | None:
        """New credentials if the files have changed and can be used, else None.

        Files that cannot be used, which may be in the midst of their rotation, are left alone and
        logged; the next call looks at them again.
        """
        if not self.tls:
            return None
        try:
            found = self._files()
        except ConfigError as error:
            self._seldom.warning("files", "not read again: %s", error)
            return None
        return None if found == self._read else self._made(found)

    def _made(self, found: list[bytes | None]) -> grpc.ChannelCredentials:
        self._read = found
        return grpc.ssl_channel_credentials(*found)

    def explained(self, message: str) -> Diagnosis:
        """What a message of gRPC or Triton means; the message and no remedy where it is unknown."""
        if message.endswith(CLOSED):
            return REFUSED if self.tls else TLS_WANTED
        known = (meaning for words, meaning in MEANINGS.items() if words in message)
        return next(known, Diagnosis(redacted(message)[:LONGEST].replace("; ", ", "), ""))

    def _files(self) -> list[bytes | None]:
        """Content of authority, key and certificate."""
        keys = ("tls_ca", "tls_key", "tls_certificate")
        paths = (self.authority, self.key, self.certificate)
        found, faults = [], []
        for key, path in zip(keys, paths, strict=True):
            try:
                found.append(path and path.read_bytes())
            except OSError as error:
                expected = f"a file that can be read ({error.strerror})"
                faults.append(Fault(f"inference.{key}", str(path), expected, "correct the path"))
        faults = faults or self._useless()
        if faults:
            raise ConfigError("TLS with Triton cannot be set up", faults)
        return found

    def _useless(self) -> list[Fault]:
        """What gRPC would report only when it connects."""
        context, remedy = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "put PEM there"
        faults = []
        try:
            if self.authority:
                context.load_verify_locations(self.authority)
        except (OSError, ValueError):
            path = str(self.authority)
            faults.append(Fault("inference.tls_ca", path, "certificates of authorities", remedy))
        try:
            if self.certificate:
                context.load_cert_chain(self.certificate, self.key, password="")
        except (OSError, ValueError):
            expected = "a certificate, and the unencrypted key of that certificate in tls_key"
            path = str(self.certificate)
            faults.append(Fault("inference.tls_certificate", path, expected, remedy))
        return faults
