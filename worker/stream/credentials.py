"""Logging in to Kafka with secrets from files, read again when they change.

user name and password (PLAIN, SCRAM)   looked at every 2 s; the next connection uses them
access token (OAUTHBEARER)              read every 24 s, before librdkafka asks for the next
certificates and keys (TLS)             never: librdkafka loads them when a client is made, so
                                        that a rotated one needs a restart of the worker
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
LOOK_S = 2.0
TOKEN_S = 30.0  # as librdkafka is told; it asks for the next token at 80 % of it


class Login:
    """User name and password of one client; given to it again when their files changed.

    Args:
        properties: the client's, as the settings have them.
    """

    def __init__(self, properties: Mapping[str, str]) -> None:
        self._pair = [Secret(properties.get(name, "")) for name in (USER, PASSWORD)]
        self._rotates = any(secret.file for secret in self._pair)
        self._given = self._read() if self._rotates else []
        self._look_at = 0.0

    def renew(self, client: AdminClient | Consumer | Producer, now: float) -> None:
        """Look at the files, at most every 2 s; `now` is `time.monotonic()`."""
        if not self._rotates or now < self._look_at:
            return
        self._look_at = now + LOOK_S
        if (found := self._read()) != self._given:
            self._given = found
            client.set_sasl_credentials(*found)
            logger.info("Kafka: the user name or password changed; connections to come use it")

    def _read(self) -> list[str]:
        return [secret.read() for secret in self._pair]


def access_token(secret: str) -> Callable[[str], tuple[str, float]]:
    """librdkafka's callback for OAUTHBEARER: the token, and when to ask again, Unix seconds.

    The token's own lifetime is the broker's to judge.
    """
    return lambda _: (Secret(secret).read(), time.time() + TOKEN_S)


def expired(token: str) -> bool:
    """Whether a token that tells its end (`exp` of a JWT) is past it."""
    try:
        body = token.split(".")[1]
        told = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return float(told["exp"]) < time.time()
    except (IndexError, KeyError, TypeError, ValueError):  # not a JWT, or one without an end
        return False
