"""Records that retention deleted before the group had consumed them: counted, logged, or a stop.

Compaction and transaction markers leave gaps between offsets too, but at offsets that the log still
covers; only what lies before the log's first offset was deleted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from worker.config.settings import Kafka
from worker.errors import Stop
from worker.metrics import Metrics
from worker.stream.offsets import Partition

logger = logging.getLogger(__name__)

REMEDY = (
    "give the topic a longer retention.ms or retention.bytes; to go on without them, set "
    'kafka.expired_records = "continue", or move the group with `kafka-consumer-groups.sh '
    "--reset-offsets --to-earliest`"
)


class Expired:
    """Looks at gaps between the offset to be fetched next and the one that came.

    Args:
        oldest: partition → the first offset that it held when its last records were fetched.
    """

    def __init__(self, kafka: Kafka, metrics: Metrics, oldest: Callable[[int], int]) -> None:
        self._kafka, self._count, self._oldest = kafka, metrics.expired, oldest

    def look(self, number: int, partition: Partition, first: int) -> None:
        """See what became of the offsets before `first`, which was fetched now.

        Raises:
            Stop: some were deleted, and the settings want it so.
        """
        if partition.expected is None or first <= partition.expected:
            return
        begin = max(partition.expected, partition.expired)
        end = min(first, self._oldest(number))
        if end <= begin:
            return
        partition.expired = end
        self._count.inc(end - begin)
        message = f"{self._kafka.input_topic} partition {number}: retention deleted "
        message += f"{end - begin:,} offsets before they were consumed, {begin} to {end - 1}"
        if self._kafka.expired_records == "stop":
            raise Stop(f"{message}; {REMEDY}")
        logger.error("%s", message)
