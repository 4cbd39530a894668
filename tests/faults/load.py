"""Open-loop load: records are due at their time, whatever becomes of those before them."""

from __future__ import annotations

import threading
import time
from array import array

from confluent_kafka import KafkaError, Message, Producer

from tests.faults.inputs import Inputs

FLUSH_S = 60.0
TURN_S = 0.02


class Load:
    """Sends record after record of `inputs` at a steady rate, in a thread of its own.

    Attributes:
        due: Unix time at which each record was due, by its number. One that could not be sent
            then, since the broker was away, waits in the producer.
        oversize: how many of the next are made too large for their outputs' topic.
    """

    def __init__(self, bootstrap: str, topic: str, inputs: Inputs, rate: float) -> None:
        self._topic, self._inputs, self._rate = topic, inputs, rate
        self.due, self.oversize = array("d"), 0
        self._errors: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "message.timeout.ms": 0,
                "message.max.bytes": 10_000_000,
                "queue.buffering.max.messages": 1_000_000,
                "reconnect.backoff.ms": 50,
                "reconnect.backoff.max.ms": 200,
                "log_level": 0,
            }
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> int:
        """Send no more; how many were sent, once the broker has confirmed them all."""
        self._stop.set()
        self._thread.join()
        left = self._producer.flush(FLUSH_S)
        if left or self._errors:
            raise RuntimeError(f"the load's own records failed: {left} left, {self._errors[:3]}")
        return len(self.due)

    def _run(self) -> None:
        began = time.time()
        while not self._stop.wait(TURN_S):
            while (due := began + len(self.due) / self._rate) <= time.time():
                self.due.append(due)
                self._send(len(self.due) - 1)
            self._producer.poll(0)

    def _send(self, number: int) -> None:
        if self.oversize:
            self.oversize -= 1
            self._inputs.large.add(number)
        record = self._inputs[number].record
        self._producer.produce(
            self._topic,
            record.value,
            record.key,
            record.partition,
            headers=list(record.headers),
            on_delivery=self._on_delivery,
        )

    def _on_delivery(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._errors.append(str(error))
