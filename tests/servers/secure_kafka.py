"""A real Apache Kafka with TLS and SASL: a listener for each way to log in, and some that are
mended badly. Access tokens (OAUTHBEARER) are checked against keys made on the spot.
"""

from __future__ import annotations

import base64
import json
import tempfile
import time
from pathlib import Path

from confluent_kafka.admin import (
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.servers.certificates import Authority
from tests.servers.kafka import PASSWORD, STOP_S, USER, ApacheKafka

MODULES = "org.apache.kafka.common.security"
OAUTH = f"{MODULES}.oauthbearer"
ISSUER, AUDIENCE = "https://issuer.test", "kafka"
MECHANISMS = {
    "SCRAM-SHA-256": ScramMechanism.SCRAM_SHA_256,
    "SCRAM-SHA-512": ScramMechanism.SCRAM_SHA_512,
}
TLS = ("tls", "mutual", "expired", "elsewhere", "foreign")  # listeners without a login


class SecureKafka(ApacheKafka):
    """Addresses by listener in `at`: `sasl` (TLS and every mechanism), `tls`, `mutual` (asks for a
    certificate), and with a bad certificate `expired`, `elsewhere` (another host's) and `foreign`
    (of an authority that nobody knows).
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="certificates-", dir=self._folder))
        self.authority, self.stranger = (Authority(self.folder, n) for n in ("ca", "stranger"))
        ports = self._ports(len(TLS) + 1)
        self.at = {name: f"127.0.0.1:{p}" for name, p in zip(("sasl", *TLS), ports, strict=True)}
        self._signer = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def set_password(self, mechanism: str, password: str | None, user: str = USER) -> None:
        """Give a SCRAM user a password, or take the user away with None."""
        kind, admin = MECHANISMS[mechanism], self._admin()
        change = UserScramCredentialDeletion(user, kind)
        if password is not None:
            info = ScramCredentialInfo(kind, 4096)
            change = UserScramCredentialUpsertion(user, info, password.encode())
        for done in admin.alter_user_scram_credentials([change]).values():
            done.result(STOP_S)

    def token(self, lifetime_s: float = 3600, user: str = USER, **claims: object) -> str:
        """A signed access token for `user`."""
        now = time.time()
        body = {"iss": ISSUER, "aud": AUDIENCE, "sub": user, "scope": "kafka", "iat": int(now)}
        body |= {"exp": int(now + lifetime_s)} | claims
        head = {"alg": "RS256", "kid": "test", "typ": "JWT"}
        signed = b".".join(_base64(json.dumps(part).encode()) for part in (head, body))
        mark = self._signer.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        return (signed + b"." + _base64(mark)).decode()

    def _command(self, *arguments: str | Path) -> list[str]:
        java, *rest = super()._command(*arguments)
        allowed = f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={self._keys.as_uri()}"
        return [java, allowed, *rest]

    @property
    def _keys(self) -> Path:
        return self.folder / "jwks.json"

    def _properties(self) -> str:
        self._keys.write_text(json.dumps({"keys": [self._public_key()]}))
        lines = dict(line.split("=", 1) for line in super()._properties().splitlines())
        more = [f"{name.upper()}://{address}" for name, address in self.at.items()]
        for key in ("listeners", "advertised.listeners"):
            lines[key] = ",".join([lines[key], *more])
        kinds = [f"{name.upper()}:{'SASL_SSL' if name == 'sasl' else 'SSL'}" for name in self.at]
        protocol = "listener.security.protocol.map"
        lines[protocol] = ",".join([lines[protocol], *kinds])
        lines["super.users"] += f";User:{USER};User:CN={USER}"
        lines |= self._tls() | self._sasl()
        return "".join(f"{key}={value}\n" for key, value in lines.items())

    def _tls(self) -> dict[str, str]:
        good = self.authority.issue("broker")
        pairs = dict.fromkeys(("sasl", "tls", "mutual"), good) | {
            "expired": self.authority.issue("expired", expired=True),
            "elsewhere": self.authority.issue("elsewhere", host="kafka.example.net"),
            "foreign": self.stranger.issue("foreign"),
        }
        lines = {"listener.name.mutual.ssl.client.auth": "required"}
        for name, pair in pairs.items():
            at = f"listener.name.{name}.ssl"
            lines |= {
                f"{at}.keystore.type": "PEM",
                f"{at}.keystore.location": str(pair.both),
                f"{at}.truststore.type": "PEM",
                f"{at}.truststore.location": str(self.authority.file),
            }
        return lines

    def _sasl(self) -> dict[str, str]:
        at = "listener.name.sasl"
        scram = f"{MODULES}.scram.ScramLoginModule required;"
        plain = f"{MODULES}.plain.PlainLoginModule required"
        checks = f"{OAUTH}.OAuthBearerValidatorCallbackHandler"
        return {
            f"{at}.sasl.enabled.mechanisms": ",".join(["PLAIN", "OAUTHBEARER", *MECHANISMS]),
            f"{at}.plain.sasl.jaas.config": f'{plain} user_{USER}="{PASSWORD}";',
            f"{at}.scram-sha-256.sasl.jaas.config": scram,
            f"{at}.scram-sha-512.sasl.jaas.config": scram,
            f"{at}.oauthbearer.sasl.jaas.config": f"{OAUTH}.OAuthBearerLoginModule required;",
            f"{at}.oauthbearer.sasl.server.callback.handler.class": checks,
            f"{at}.oauthbearer.sasl.oauthbearer.jwks.endpoint.url": self._keys.as_uri(),
            f"{at}.oauthbearer.sasl.oauthbearer.expected.audience": AUDIENCE,
            f"{at}.oauthbearer.sasl.oauthbearer.expected.issuer": ISSUER,
        }

    def _public_key(self) -> dict[str, str]:
        numbers = self._signer.public_key().public_numbers()
        parts = {"n": numbers.n, "e": numbers.e}
        sized = {k: v.to_bytes((v.bit_length() + 7) // 8, "big") for k, v in parts.items()}
        key = {name: _base64(value).decode() for name, value in sized.items()}
        return key | {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "test"}


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
