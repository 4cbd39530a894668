"""How outputs and offsets become durable: what at_least_once.py and exactly_once.py share.

Both have one commit point: nothing is produced meanwhile → the producer is flushed → no error →
the offsets are committed. On an error every partition goes back to its last commit, and all since
then is done once more; a record that Kafka refuses is remembered, and dead-lettered the next time.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from worker.config.settings import Kafka
from worker.errors import DeliveryError, Reject, Stop
from worker.logs import Seldom
from worker.metrics import Metrics
from worker.stream.admin import absent
from worker.stream.batch import record_id
from worker.stream.clients import transactional_id
from worker.stream.kafka_errors import DENIED
from worker.stream.producer import UNTIMELY, OutputProducer, Refusal

logger = logging.getLogger(__name__)

RECORD_AT_FAULT = (
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.RECORD_LIST_TOO_LARGE,
    KafkaError.INVALID_MSG,
    KafkaError._INVALID_ARG,
    *UNTIMELY,
)
# Consequences of another error.
FOLLOWING = (
    KafkaError._PURGE_QUEUE,
    KafkaError._PURGE_INFLIGHT,
    KafkaError._INVALID_DIFFERENT_RECORD,
)
NO_TOPIC = (
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,
    KafkaError._UNKNOWN_PARTITION,
)
MOST_RECOVERIES = 10  # one after the other, without a commit between them
MOST_BARRED = 10_000
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
LOOK_S = 1.0  # for the topics that the cluster has


class Delivery:
    """The producer, its recovery, and what Kafka refused; used from the Kafka thread alone.

    Attributes:
        ready: whether something may be produced.
        confirms_at_commit: whether what is flushed may still be undone until the commit.
        missing: which topics are missing, and the remedy; "" while none is known to be. For any
            thread.
    """

    confirms_at_commit = False

    def __init__(self, kafka: Kafka, metrics: Metrics) -> None:
        self._kafka, self._metrics = kafka, metrics
        self.producer = OutputProducer(kafka, metrics, transactional_id(kafka))
        self.ready = False
        self.missing = ""
        self._doubtful = False  # whether the topics exist: what was sent was not taken
        self._seldom = Seldom(logger)
        self._recoveries = 0
        self._searching = False  # for the record that was refused in the fast lane
        self._barred: dict[tuple[int, int, bool], KafkaError] = {}  # by `Refusal.key`

    def prepare(self) -> None:
        """One attempt to become `ready`; blocks for a few seconds at most."""
        if self.producer.client is None:
            self.producer.open()
        self.ready = True

    @property
    def failed(self) -> bool:
        """Whether what was produced since the last commit must be done again."""
        return bool(self.producer.refusals or self.producer.fatal)

    @property
    def needs_care(self) -> bool:
        """Whether outputs must be produced one by one, each with its record and after `barred`.

        That is so while a record is barred, and from a refusal of the fast lane to the next commit:
        the record at fault is among those that are done again.
        """
        return bool(self._barred) or self._searching

    def barred(self, record: Message, value: bytes) -> Reject | None:
        """Why the record's output must not be sent; None if it may.

        What is surely too large is not even tried where the refusal would undo a transaction, or
        where the dead letter is too large as well: then the worker ends, and what comes after the
        record would be produced once more at each start.
        """
        too_large, kafka = self.producer.too_large, self._kafka
        if too_large(value, kafka.output_topic) and (
            self.confirms_at_commit or too_large(record.value() or b"", kafka.dead_letter_topic)
        ):
            return self._output_refused(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE))
        refusal = self._barred.get((record.partition(), record.offset(), False))
        return refusal and self._output_refused(refusal)

    def dead_letter(self, record: Message, error: Reject) -> None:
        """Queue a record for the dead-letter topic as it came, with the reason as headers.

        Without the reason where it was refused with it, and not for its time: the headers may be
        what is too much.

        Raises:
            BufferError: the queue is full.
            Stop: the topic will surely not take it; what was produced before may be committed.
        """
        topic = self._kafka.dead_letter_topic
        if self.producer.too_large(record.value() or b"", topic):
            raise Stop(_letter_refused(topic, record, KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)))
        refused = self._barred.get((record.partition(), record.offset(), True))
        if refused is None or refused.code() in UNTIMELY:
            self.producer.dead_letter(record, error)
        else:
            self.producer.dead_letter(record, None)
            message = "the dead letter of %s is sent once more, without its reason, which is: %s"
            logger.warning(message, record_id(record), error)

    def commit(self, offsets: Mapping[int, int], consumer: Consumer, wait: bool, note: str) -> bool:
        """Commit, after the producer was flushed; whether the offsets are committed now.

        Args:
            wait: for the answer, which else may come later, through `answered` of the caller.
            note: the metadata of each offset.

        Raises:
            KafkaException: it failed, and so did all since the last commit.
        """
        raise NotImplementedError

    def before_refusals(self, offsets: Mapping[int, int]) -> dict[int, int]:
        """What of these may be committed although something after it was refused."""
        return {}

    def committed(self, offsets: Mapping[int, int]) -> None:
        """A commit of these succeeded: what was barred before them has its dead letter."""
        for number, offset, is_dead_letter in list(self._barred):
            if offset < offsets.get(number, 0):
                del self._barred[number, offset, is_dead_letter]
        self._metrics.commits.labels("ok").inc()
        self._recoveries, self._searching = 0, False

    def orphaned(self) -> None:
        """Outputs are out of partitions that were revoked before their offsets were committed."""

    def recover(self) -> float:
        """After a failure: be able to produce again; then all goes on from the last commit.

        Returns:
            Seconds to wait before that.

        Raises:
            DeliveryError: no later attempt can succeed.
        """
        self._recoveries += 1
        for refusal in self.producer.take_refusals():
            self._judge(refusal)
        self._undo()
        # What was still under way is answered by now, and would be done again for the same reason.
        for refusal in self.producer.take_refusals():
            if refusal.error.code() in RECORD_AT_FAULT:
                self._judge(refusal)
        if self.producer.fatal:
            self._replace_producer()
        logger.warning("every partition is consumed again from its last commit")
        return self._pause_s()

    def await_topics(self) -> float:
        """Seconds to wait before anything is produced again: 0 unless a topic is missing.

        Blocks for `LOOK_S` at most, and only after what was sent was not taken.

        Raises:
            DeliveryError: it has been missing for too long.
        """
        if not (self._doubtful or self.missing):
            return 0.0
        known, self._doubtful = self.look_for_topics(), False
        if not self.missing:
            return 0.0
        self._recoveries += known
        if self._recoveries > MOST_RECOVERIES:
            raise DeliveryError(self.missing)
        return self._pause_s()

    def look_for_topics(self) -> bool:
        """Learn what is `missing`; False where the cluster does not answer within `LOOK_S`."""
        try:
            topics = self.producer.client.list_topics(timeout=LOOK_S).topics
        except KafkaException:
            return False
        wanted = self._kafka.output_topic, self._kafka.dead_letter_topic
        self.missing = absent(topics, wanted) or ""
        if self.missing:
            self._seldom.warning("missing", "nothing can be produced: %s", self.missing)
        return True

    def _pause_s(self) -> float:
        return min(FIRST_PAUSE_S * 2 ** (self._recoveries - 1), LONGEST_PAUSE_S)

    def _replace_producer(self) -> None:
        """Let the next `prepare` create another client.

        Raises:
            DeliveryError: another would fail like this one.
        """
        fatal = self.producer.fatal
        if fatal.code() in DENIED or self._goes_on_too_long(fatal.code()):
            raise DeliveryError(self._hopeless(fatal))
        self.producer.discard()
        self._metrics.producers.inc()
        self.ready = False

    def _undo(self) -> None:
        """Let nothing of what was produced since the last commit come out later."""
        raise NotImplementedError

    def _judge(self, refusal: Refusal) -> None:
        """Decide what a refusal means for the record.

        Raises:
            DeliveryError: it would be refused again and again.
        """
        code = refusal.error.code()
        if code in FOLLOWING:
            return
        self._doubtful |= code in NO_TOPIC or code == KafkaError._MSG_TIMED_OUT
        if refusal.record is None and code not in DENIED:
            self._searching = True
            message = "Kafka refuses an output, it is searched for: %s"
            self._seldom.warning(refusal.error.name(), message, self._meaning(refusal.error))
            return
        at_fault = code in RECORD_AT_FAULT
        if at_fault and (not refusal.is_dead_letter or refusal.key not in self._barred):
            self._bar(refusal)
        elif at_fault and code in UNTIMELY and not self.producer.distrusts_clock:
            self.producer.distrust_clock()
        elif at_fault or code in DENIED or self._goes_on_too_long(code):
            if refusal.is_dead_letter:
                raise self._dead_letter_refusal_error(refusal)
            raise self._output_refusal_error(refusal)
        else:
            message = "Kafka refuses an output, all is done again from the last commit: %s"
            self._seldom.warning(refusal.error.name(), message, self._meaning(refusal.error))

    def _meaning(self, error: KafkaError) -> str:
        if error.code() not in NO_TOPIC:
            return error.str()
        return f"{error.str()}; see that the topics {self._topics} exist"

    def _goes_on_too_long(self, code: int) -> bool:
        return self._recoveries > MOST_RECOVERIES and code != KafkaError._MSG_TIMED_OUT

    def _bar(self, refusal: Refusal) -> None:
        while len(self._barred) >= MOST_BARRED:
            del self._barred[next(iter(self._barred))]
        self._barred[refusal.key] = refusal.error
        if refusal.is_dead_letter and refusal.error.code() in UNTIMELY:
            self.producer.distrust_clock()
        self._recoveries = 0  # the next time it gets further

    def _hopeless(self, fatal: KafkaError) -> str:
        message = f"the Kafka producer failed for good: {fatal.str()}"
        return f"{message}; {self._rights()}" if fatal.code() in DENIED else message

    def _places(self, offsets: Mapping[int, int], note: str) -> list[TopicPartition]:
        topic = self._kafka.input_topic
        return [TopicPartition(topic, *place, metadata=note) for place in offsets.items()]

    @property
    def _topics(self) -> str:
        return f"{self._kafka.output_topic} and {self._kafka.dead_letter_topic}"

    def _rights(self) -> str:
        on_cluster = "IDEMPOTENT_WRITE on the cluster for brokers before 3.0"
        return f"allow WRITE on {self._topics}, and {on_cluster}"

    def _output_refusal_error(self, refusal: Refusal) -> DeliveryError:
        return DeliveryError(
            f"{self._kafka.output_topic} refuses the output of {refusal.id}: "
            f"{refusal.error.str()}; see that the topic exists and this user may write to it"
        )

    def _dead_letter_refusal_error(self, refusal: Refusal) -> DeliveryError:
        topic = self._kafka.dead_letter_topic
        return DeliveryError(_letter_refused(topic, refusal.record, refusal.error))

    def _output_refused(self, refusal: KafkaError) -> Reject:
        message = f"{self._kafka.output_topic} refused it: {refusal.str()}"
        return Reject("produce", "output_refused", message)


def _letter_refused(topic: str, record: Message, error: KafkaError) -> str:
    """That a topic does not take the dead letter of a record, and the remedy."""
    remedy = "let it take what the input topic takes (max.message.bytes, cleanup.policy, "
    remedy += "message.timestamp.*)"
    if error.code() in DENIED:
        remedy = f"add an ACL: WRITE on topic {topic}"
    elif error.code() in NO_TOPIC:
        remedy = "create the topic, or allow this user to DESCRIBE it"
    elif error.code() not in RECORD_AT_FAULT:
        remedy = "see that its brokers take records"
    return f"{topic} refuses the dead letter of {record_id(record)}: {error.str()}; {remedy}"
