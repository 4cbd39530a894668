"""Certificates for tests, made on the spot: a good authority and an unknown one, and what each
signs for 127.0.0.1 or, wrongly, for another name, for now or for last year.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Pair:
    """A certificate, its key, and both in one file, as Kafka's brokers read it; PEM files."""

    certificate: Path
    key: Path
    both: Path


class Authority:
    """Signs certificates; `file` is its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        usage = x509.BasicConstraints(ca=True, path_length=None)
        made = _signed(self._name, self._key.public_key(), self._name, self._key, DAY, usage)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, host: str = "127.0.0.1", expired: bool = False) -> Pair:
        """A certificate with the common name `name`, good for `host`."""
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            place: x509.GeneralName = x509.IPAddress(ip_address(host))
        except ValueError:
            place = x509.DNSName(host)
        until = -DAY if expired else DAY
        made = _signed(
            *(_name(name), key.public_key(), self._name, self._key, until),
            x509.SubjectAlternativeName([place]),
        )
        return self._written(name, made, key)

    def _written(self, name: str, made: x509.Certificate, key: Key) -> Pair:
        form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        private = key.private_bytes(serialization.Encoding.PEM, *form)
        public = made.public_bytes(serialization.Encoding.PEM)
        pair = Pair(*(self._folder / f"{name}.{kind}" for kind in ("crt", "key", "pem")))
        pair.certificate.write_bytes(public)
        pair.key.write_bytes(private)
        pair.both.write_bytes(private + public)
        return pair


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _signed(
    subject: x509.Name,
    public: ec.EllipticCurvePublicKey,
    issuer: x509.Name,
    key: Key,
    until: timedelta,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number())
    builder = builder.not_valid_before(now - 365 * DAY).not_valid_after(now + until)
    return builder.add_extension(extension, critical=False).sign(key, hashes.SHA256())
