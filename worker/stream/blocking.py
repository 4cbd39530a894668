"""Calls of librdkafka that may block for ever, with a deadline."""

from __future__ import annotations

import threading
from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException


def call(function: Callable[..., object], *arguments: object, timeout_s: float) -> None:
    """Call in a thread that neither this one nor the end of the program waits for any longer.

    Raises:
        KafkaException: the call raised it; a fatal one when it does not return in time.
    """
    returned = threading.Event()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            function(*arguments)
        except BaseException as error:
            errors.append(error)
        returned.set()

    threading.Thread(target=run, name=f"kafka-{function.__name__}", daemon=True).start()
    if not returned.wait(timeout_s):
        message = f"{function.__name__} does not return"
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT, message, fatal=True))
    if errors:
        raise errors[0]
