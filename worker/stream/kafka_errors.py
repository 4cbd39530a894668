"""What a failed connection to Kafka means, and what mends it."""

from __future__ import annotations

import re

from confluent_kafka import KafkaError

from worker.config.secrets import Secret, plain
from worker.config.settings import TOKEN, Kafka
from worker.stream.credentials import expired
from worker.tls_diagnosis import Trouble, speaks_tls, trouble

# This user lacks a right.
DENIED = (
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
)
UNVERIFIED = "certificate verify failed"
TOKEN_REFUSED = (
    "see that the access token has not expired, and is of the issuer and for the audience that the"
    ' broker expects: kafka.client "sasl.oauthbearer.…"'
)
# Words of librdkafka's → the remedy; the first that fits counts.
REMEDIES = {
    "PLAINTEXT broker listener": "let kafka.bootstrap_servers name the port that speaks TLS, or set"
    ' kafka.client "security.protocol" to PLAINTEXT or SASL_PLAINTEXT',
    "Unsupported SASL mechanism": 'set kafka.client "sasl.mechanism" to one that it supports',
    "Failed to acquire SASL OAUTHBEARER": 'mend kafka.client "sasl.oauthbearer.…": the token, or'
    " where it is asked for",
    "mechanism OAUTHBEARER": TOKEN_REFUSED,
    "invalid_token": TOKEN_REFUSED,
    "SASL": 'mend kafka.client "sasl.username" and "sasl.password", or the user on the broker',
    UNVERIFIED: 'let kafka.client "ssl.ca.location" hold the authority that signed it; the'
    " command `check` tells more",
    "alert": "the broker refuses this worker's certificate, which is missing, has expired, or is of"
    ' an unknown authority: mend kafka.client "ssl.certificate.location" and "ssl.key.location"',
}
START = "start it, or mend kafka.bootstrap_servers and [kafka.client]"


def explained(told: str) -> Trouble:
    """What librdkafka tells, with what mends it as far as that is known."""
    remedy = next((remedy for words, remedy in REMEDIES.items() if words in told), START)
    return Trouble(re.sub(r" \(after \d+ms in state \w+\)", "", told), remedy)


def more_telling(told: str, than: str) -> str:
    """Of two errors that librdkafka tells one after the other, the one whose remedy is known.

    The later one, where both are as good; a bare loss of the connection often follows its cause.
    """
    return max(told, than, key=_telling)  # of equals the first that is given


def _telling(told: str) -> int:
    if not told or "brokers are down" in told:
        return bool(told)
    return 2 if explained(told).remedy == START else 3


def diagnosed(kafka: Kafka, told: str) -> Trouble:
    """Like `explained`; where librdkafka tells too little, from a look at the server. Blocks."""
    address = re.search(r"ssl://([^/]+)/", told)
    server = address[1] if address else kafka.bootstrap_servers.split(",")[0]
    if UNVERIFIED in told:
        return _certificate(kafka, server) or explained(told)
    found = explained(told)
    return found if found.remedy != START else _silent(kafka, server) or found


def _silent(kafka: Kafka, server: str) -> Trouble | None:
    """Why a server that can be reached ends connections without a word."""
    protocol = kafka.client.get("security.protocol", "plaintext").upper()
    secured = protocol.endswith("SSL")
    if not secured and speaks_tls(server):
        wanted = "SASL_SSL" if protocol.startswith("SASL") else "SSL (or SASL_SSL)"
        remedy = f'set kafka.client "security.protocol" to {wanted}'
        return Trouble(f"{server} speaks TLS, and {protocol} does not", remedy)
    if TOKEN in kafka.client and expired(Secret(kafka.client[TOKEN]).read()):
        remedy = f'see that kafka.client "{TOKEN}" is renewed in time'
        return Trouble("the access token has expired", remedy)
    if secured and not protocol.startswith("SASL") and speaks_tls(server):
        remedy = 'if it wants a login, set kafka.client "security.protocol" to SASL_SSL'
        return Trouble(f"{server} ends each connection after the TLS handshake", remedy)
    return None


def _certificate(kafka: Kafka, server: str) -> Trouble | None:
    properties = plain(kafka.client)
    authorities = properties.get("ssl.ca.location") or properties.get("ssl.ca.pem")
    names = properties.get("ssl.endpoint.identification.algorithm") != "none"
    return trouble(server, authorities, 'kafka.client "ssl.ca.location"', names)
