"""Why a TLS connection fails, by a handshake of our own: the clients' errors say too little."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 2.0
EXPIRED, NOT_YET = 10, 9
UNKNOWN = (2, 18, 19, 20, 21)  # no authority found, or one that is not trusted
MISMATCH = (62, 64)  # host name, IP address


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong, and the remedy."""

    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}"


def diagnose(
    address: str, authorities: str | None, setting: str, check_hostname: bool
) -> Diagnosis | None:
    """Why the certificate of the server at `host:port` is not accepted; None if it is, or if the
    handshake fails for another reason.

    Args:
        authorities: PEM text, the path of a PEM file or of a folder; None for the system's own.
        setting: the key that names them, for the remedy.
        check_hostname: whether the certificate must name the host.
    """
    try:
        context = ssl.create_default_context(**_trusted(authorities))
        context.check_hostname = check_hostname
        _handshake(address, context)
    except ssl.SSLCertVerificationError as error:
        return _verification(error, address, setting)
    except (OSError, UnicodeError):  # a label of the name may be empty or too long
        return None
    return None


def speaks_tls(address: str) -> bool:
    """Whether the server at `host:port` answers a TLS handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        _handshake(address, context)
    except (OSError, UnicodeError):
        return False
    return True


def _handshake(address: str, context: ssl.SSLContext) -> None:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    with socket.create_connection((host, int(port)), TIMEOUT_S) as connection:
        context.wrap_socket(connection, server_hostname=host).close()


def _trusted(authorities: str | None) -> dict[str, str]:
    if authorities is None:
        return {}
    if "-----BEGIN" in authorities:
        return {"cadata": authorities}
    return {"capath" if Path(authorities).is_dir() else "cafile": authorities}


def _verification(error: ssl.SSLCertVerificationError, address: str, setting: str) -> Diagnosis:
    certificate = f"the certificate of {address}"
    if error.verify_code in (EXPIRED, NOT_YET):
        when = "has expired" if error.verify_code == EXPIRED else "is not valid yet"
        remedy = "renew it on the server, or set this machine's clock"
        return Diagnosis(f"{certificate} {when}", remedy)
    if error.verify_code in MISMATCH:
        remedy = "connect by a name in it, or issue a certificate for this host"
        host = address.rpartition(":")[0].strip("[]")
        return Diagnosis(f"{certificate} is not for {host}", remedy)
    if error.verify_code in UNKNOWN:
        remedy = f"add the authority that signed it to {setting}"
        return Diagnosis(f"{certificate} is signed by an unknown authority", remedy)
    refusal = f"{certificate} is refused: {error.verify_message}"
    return Diagnosis(refusal, f"correct it, or {setting}")
