"""Credentials for Kafka from files, read again when the files change.

user name and password (PLAIN, SCRAM)   read every 2 s; new connections use them
access token (OAUTHBEARER)              read every 24 s, when librdkafka asks for the next
certificates and keys (TLS)             not read again: librdkafka loads them when a client is
                                        created, so a rotated one needs a restart of the worker
"""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Callable, Mapping

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from worker.config.secrets import Secret

logger = logging.getLogger(__name__)

USER, PASSWORD = "sasl.username", "sasl.password"
READ_EVERY_S = 2.0
TOKEN_S = 30.0  # lifetime given to librdkafka; it asks for the next token after 80 % of it


class Credentials:
    """User name and password of one client; set again when their files changed.

    Args:
        properties: of the client, from the settings.
    """

    def __init__(self, properties: Mapping[str, str]) -> None:
        self._pair = [Secret(properties.get(name, "")) for name in (USER, PASSWORD)]
        self._rotates = any(secret.file for secret in self._pair)
        self._current = self._read() if self._rotates else []
        self._read_at = 0.0

    def renew(self, client: AdminClient | Consumer | Producer, now: float) -> None:
        """Read the files, at most every 2 s; `now` is `time.monotonic()`."""
        if not self._rotates or now < self._read_at:
            return
        self._read_at = now + READ_EVERY_S
        if (pair := self._read()) != self._current:
            self._current = pair
            client.set_sasl_credentials(*pair)
            logger.info("Kafka: the user name or password changed; new connections use it")

    def _read(self) -> list[str]:
        return [secret.read() for secret in self._pair]


def access_token(secret: str) -> Callable[[str], tuple[str, float]]:
    """librdkafka's callback for OAUTHBEARER: the token and its expiry, Unix seconds.

    The expiry only sets when librdkafka asks again; the broker checks the token's own.
    """
    return lambda _: (Secret(secret).read(), time.time() + TOKEN_S)


def expired(token: str) -> bool:
    """Whether a JWT is past its `exp`; False for any other token."""
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return float(claims["exp"]) < time.time()
    except (IndexError, KeyError, TypeError, ValueError):  # not a JWT, or without `exp`
        return False
