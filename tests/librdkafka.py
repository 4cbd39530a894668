"""What confluent-kafka does not offer: functions of librdkafka itself, on a client's handle."""

from __future__ import annotations

import ctypes
from ctypes import c_char_p, c_int, c_int16, c_size_t, c_void_p

from confluent_kafka import KafkaError, KafkaException, Producer, cimpl

PRODUCE_REQUEST, INIT_PRODUCER_ID = 0, 22  # Kafka's numbers of them
_END, _TOPIC, _PARTITION, _VALUE, _KEY, _FLAGS, _HEADER = 0, 1, 3, 4, 5, 7, 9
_COPY = 2

_library = ctypes.CDLL(cimpl.__file__)  # finds also the symbols of what it is linked to
_library.rd_kafka_producev.argtypes = [c_void_p]  # the others vary
_library.rd_kafka_handle_mock_cluster.argtypes = [c_void_p]
_library.rd_kafka_handle_mock_cluster.restype = c_void_p
_library.rd_kafka_mock_set_apiversion.argtypes = [c_void_p, c_int16, c_int16, c_int16]
_library.rd_kafka_mock_push_request_errors_array.argtypes = [
    *(c_void_p, c_int16, c_size_t, c_void_p)
]
_library.rd_kafka_mock_topic_set_error.argtypes = [c_void_p, c_char_p, c_int]


def produce_with_header(
    producer: Producer, topic: str, key: bytes, value: bytes, name: bytes
) -> None:
    """Queue a record for partition 0 with one header, whose name may be any bytes without a NUL."""
    code = _library.rd_kafka_producev(
        *(_handle(producer), c_int(_TOPIC), topic.encode(), c_int(_PARTITION), c_int(0)),
        *(c_int(_KEY), key, c_size_t(len(key)), c_int(_VALUE), value, c_size_t(len(value))),
        *(c_int(_HEADER), name, b"value", c_size_t(5), c_int(_FLAGS), c_int(_COPY), c_int(_END)),
    )
    if code:
        raise KafkaException(KafkaError(code))


def answer_with(client: Producer, request: int, *codes: int) -> None:
    """Let the mock cluster that `client` holds answer the next such requests with these errors."""
    cluster = _library.rd_kafka_handle_mock_cluster(_handle(client))
    errors = (c_int * len(codes))(*codes)
    _library.rd_kafka_mock_push_request_errors_array(cluster, request, len(codes), errors)


def refuse(client: Producer, *requests: int) -> None:
    """Let the mock cluster that `client` holds be one that does not know these requests."""
    cluster = _library.rd_kafka_handle_mock_cluster(_handle(client))
    for request in requests:
        assert _library.rd_kafka_mock_set_apiversion(cluster, request, -1, -1) == 0


def topic_error(client: Producer, topic: str, code: int) -> None:
    """Let the mock cluster that `client` holds tell this of a topic's metadata; 0: all is well."""
    cluster = _library.rd_kafka_handle_mock_cluster(_handle(client))
    _library.rd_kafka_mock_topic_set_error(cluster, topic.encode(), code)


def _handle(client: Producer) -> c_void_p:
    """Its `rd_kafka_t *`: the first member of the object."""
    return c_void_p.from_address(id(client) + object.__basicsize__)
