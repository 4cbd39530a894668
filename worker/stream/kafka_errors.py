"""What a failed connection to Kafka means, and the remedy."""

from __future__ import annotations

import re
import socket

from confluent_kafka import KafkaError

from worker.config.kafka import TOKEN, Kafka
from worker.config.secrets import Secret, plain
from worker.stream.credentials import expired
from worker.tls_diagnosis import TIMEOUT_S, Diagnosis, diagnose, speaks_tls

# This user lacks a right.
DENIED = (
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
)
UNVERIFIED = "certificate verify failed"
TOKEN_REFUSED = (
    "check that the access token has not expired, and has the issuer and the audience that the"
    ' broker expects: kafka.client "sasl.oauthbearer.…"'
)
# Part of librdkafka's message → the remedy; the first match counts.
REMEDIES = {
    "PLAINTEXT broker listener": "set kafka.bootstrap_servers to the port that speaks TLS, or set"
    ' kafka.client "security.protocol" to PLAINTEXT or SASL_PLAINTEXT',
    "Unsupported SASL mechanism": 'set kafka.client "sasl.mechanism" to one that it supports',
    "Failed to acquire SASL OAUTHBEARER": 'correct kafka.client "sasl.oauthbearer.…": the token,'
    " or the endpoint that issues it",
    "not valid in current SASL state": "its listener takes no login: set kafka.bootstrap_servers to"
    ' the port that does, or set kafka.client "security.protocol" to PLAINTEXT or SSL',
    "mechanism OAUTHBEARER": TOKEN_REFUSED,
    "invalid_token": TOKEN_REFUSED,
    "SASL": 'correct kafka.client "sasl.username" and "sasl.password", or the user on the broker',
    UNVERIFIED: 'add the authority that signed it to kafka.client "ssl.ca.location"; the command'
    " `check` gives details",
    "alert": "the broker refuses this worker's certificate, which is missing, has expired, or is"
    " signed by an unknown authority: correct kafka.client"
    ' "ssl.certificate.location" and "ssl.key.location"',
}
START = "start it, or correct kafka.bootstrap_servers and [kafka.client]"
MORE = "--set logging.level=debug shows more"
NO_CONNECTION = re.compile(
    r"brokers? (connections )?(are|is) down|[Cc]onnect(ion)?\b.*(failed|refused|timed out)|resol"
    r"|Disconnect|transport failure|[Tt]imed out|(Send|Receive|Recv) failed|SSL handshake"
)
# The numbers are no help: librdkafka counts a broker once it has its name, but not as down.
ALL_DOWN = re.compile(r"\d+/\d+ brokers are down")


def with_remedy(message: str) -> Diagnosis:
    """librdkafka's message and the remedy; a message that is not known gets no guess."""
    fallback = START if NO_CONNECTION.search(message) else MORE
    remedy = next((remedy for words, remedy in REMEDIES.items() if words in message), fallback)
    message = re.sub(r" \(after \d+ms in state \w+\)", "", message)
    return Diagnosis(ALL_DOWN.sub("no broker is connected", message), remedy)


def more_specific(later: str, earlier: str) -> str:
    """Of two messages of librdkafka, the one whose remedy is known; of equals the later one.

    The loss of the connection is often reported after its cause.
    """
    return max(later, earlier, key=_specificity)  # of equals the first argument


def _specificity(message: str) -> int:
    if not message or "brokers are down" in message:
        return bool(message)
    return 2 if with_remedy(message).remedy in (START, MORE) else 3


def diagnose_connection(kafka: Kafka, message: str) -> Diagnosis:
    """Like `with_remedy`; where the message shows no cause, connects to the server. Blocks."""
    address = re.search(r"ssl://([^/]+)/", message)
    server = address[1] if address else kafka.bootstrap_servers.split(",")[0]
    if UNVERIFIED in message:
        return _certificate(kafka, server) or with_remedy(message)
    known = with_remedy(message)
    unknown = known.remedy in (START, MORE)
    return (_closed(kafka, server) or known) if unknown else known


def _closed(kafka: Kafka, server: str) -> Diagnosis | None:
    """Why a server that can be reached closes connections, or does not answer, without an error."""
    protocol = kafka.client.get("security.protocol", "plaintext").upper()
    secured = protocol.endswith("SSL")
    if not secured and speaks_tls(server):
        wanted = "SASL_SSL" if protocol.startswith("SASL") else "SSL (or SASL_SSL)"
        remedy = f'set kafka.client "security.protocol" to {wanted}'
        return Diagnosis(f"{server} speaks TLS, and {protocol} does not", remedy)
    if TOKEN in kafka.client and expired(Secret(kafka.client[TOKEN]).read()):
        remedy = f'renew kafka.client "{TOKEN}" before it expires'
        return Diagnosis("the access token has expired", remedy)
    if secured and not protocol.startswith("SASL") and speaks_tls(server):
        remedy = 'if it requires SASL, set kafka.client "security.protocol" to SASL_SSL'
        return Diagnosis(f"{server} closes each connection after the TLS handshake", remedy)
    if protocol == "PLAINTEXT" and listens(server):
        message = f"{server} takes connections, and gives PLAINTEXT no answer"
        remedy = (
            'if it requires a login, set kafka.client "security.protocol" to SASL_PLAINTEXT, else'
            " see that it is a Kafka broker, and its log"
        )
        return Diagnosis(message, remedy)
    return None


def listens(address: str) -> bool:
    """Whether something takes connections at `host:port`."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), TIMEOUT_S).close()
    except (OSError, UnicodeError):  # a label of the name may be empty or too long
        return False
    return True


def _certificate(kafka: Kafka, server: str) -> Diagnosis | None:
    properties = plain(kafka.client)
    authorities = properties.get("ssl.ca.location") or properties.get("ssl.ca.pem")
    check_hostname = properties.get("ssl.endpoint.identification.algorithm") != "none"
    return diagnose(server, authorities, 'kafka.client "ssl.ca.location"', check_hostname)
