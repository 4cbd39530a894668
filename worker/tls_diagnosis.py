"""What is wrong with a TLS connection: a handshake of our own, as clients tell little of theirs."""

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
class Trouble:
    """What is wrong, and what mends it."""

    told: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.told}; {self.remedy}"


def trouble(address: str, authorities: str | None, setting: str, names: bool) -> Trouble | None:
    """Why the certificate of the server at `host:port` is not accepted; None if nothing shows it.

    Args:
        authorities: PEM text, the path of a PEM file or of a folder; None for the system's own.
        setting: the key that names them, for the remedy.
        names: whether the certificate must be the host's.
    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        context = ssl.create_default_context(**_place(authorities))
        context.check_hostname = names
        with socket.create_connection((host, int(port)), TIMEOUT_S) as connection:
            context.wrap_socket(connection, server_hostname=host).close()
    except ssl.SSLCertVerificationError as error:
        return _explained(error, address, host, setting)
    except OSError:
        return None
    return None


def speaks_tls(address: str) -> bool:
    """Whether the server at `host:port` answers a TLS handshake."""
    host, _, port = address.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((host.strip("[]"), int(port)), TIMEOUT_S) as connection:
            context.wrap_socket(connection).close()
    except OSError:
        return False
    return True


def _place(authorities: str | None) -> dict[str, str]:
    if authorities is None:
        return {}
    if "-----BEGIN" in authorities:
        return {"cadata": authorities}
    return {"capath" if Path(authorities).is_dir() else "cafile": authorities}


def _explained(
    error: ssl.SSLCertVerificationError, address: str, host: str, setting: str
) -> Trouble:
    of = f"the certificate of {address}"
    if error.verify_code in (EXPIRED, NOT_YET):
        when = "has expired" if error.verify_code == EXPIRED else "is not valid yet"
        return Trouble(f"{of} {when}", "renew it on the server, or set this machine's clock")
    if error.verify_code in MISMATCH:
        remedy = "connect by the name in it, or have one made that names this host"
        return Trouble(f"{of} is not for {host}", remedy)
    if error.verify_code in UNKNOWN:
        remedy = f"let {setting} hold the authority that signed it"
        return Trouble(f"{of} is of an unknown authority", remedy)
    return Trouble(f"{of} is refused: {error.verify_message}", f"mend it, or {setting}")
