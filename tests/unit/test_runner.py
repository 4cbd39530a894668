"""The runner carries batches to the pipeline and back, and its errors to the end of the worker."""

import asyncio
import threading
from unittest.mock import patch

import pytest

from tests.clients import FakeConsumer, record
from tests.stream_parts import SEEN, clients
from worker.config.load import load_settings
from worker.metrics import Metrics
from worker.stream import consumer as consumers
from worker.stream.batch import Batch
from worker.stream.runner import Runner
from worker.understanding.pipeline import Output


class Answers:
    """In place of the pipeline."""

    def __init__(self, error=None):
        self.error, self.asked = error, []

    async def process(self, inputs):
        self.asked += inputs
        if self.error:
            raise self.error
        return [Output(item.value, SEEN) for item in inputs]


def understood(pipeline, batch):
    """The batch after the pipeline's work, as the Kafka thread gets it."""

    async def work():
        runner = Runner(load_settings(None, {}, []), pipeline, Metrics())
        runner._loop = asyncio.get_running_loop()
        runner._failure = runner._loop.create_future()
        submitting = threading.Thread(target=runner.lanes._submit, args=[[batch]])
        submitting.start()
        submitting.join()
        while not runner._failure.done() and runner.lanes.finished.empty():
            await asyncio.sleep(0)
        if runner._failure.done():
            await runner._failure
        return runner.lanes.finished.get_nowait()

    with clients():
        return asyncio.run(work())


def batch(*results, time_ms=1):
    records = [record(offset, time_ms=time_ms) for offset in range(len(results))]
    return Batch(0, records, list(results), results.count(None), 100, 0.0)


def test_the_pipeline_is_asked_for_what_is_missing_alone():
    pipeline, known = Answers(), Output(b"known", SEEN)
    found = understood(pipeline, batch(None, known, None))
    assert [item.default_id for item in pipeline.asked] == ["queries-0-0", "queries-0-2"]
    assert [result.value[:9] for result in found.results] == [b'{"query":', b"known", b'{"query":']


@pytest.mark.parametrize("time_ms", [0, 77])
def test_a_record_without_a_time_gets_that_of_its_consumption_and_is_never_late(time_ms):
    pipeline = Answers()
    understood(pipeline, batch(None, time_ms=time_ms))
    (asked,) = pipeline.asked
    assert asked.created_ms == (time_ms or None)
    assert (
        (asked.default_timestamp == 77)
        if time_ms
        else (asked.default_timestamp > 1_700_000_000_000)
    )


def test_an_error_of_the_pipeline_ends_the_worker():
    """Else its batch would never come back, and its partition stand still."""
    with pytest.raises(ZeroDivisionError):
        understood(Answers(ZeroDivisionError()), batch(None))


def test_what_dead_letter_limits_counted_is_noted_in_the_kafka_thread():
    """Where records are counted, also while the drain ends at its deadline."""

    async def work():
        runner = Runner(load_settings(None, {}, []), Answers(), Metrics())
        runner._loop = asyncio.get_running_loop()
        runner._failure = runner._loop.create_future()
        runner.commits._delivery.producer._limits = {}
        asked = []
        runner._limits.note = lambda *_: asked.append(threading.current_thread()) or ""
        with patch.object(consumers, "Consumer", lambda _: FakeConsumer()):
            runner.thread.start()
            await runner._drain()
        return asked, runner.thread._thread

    with clients():
        asked, kafka_thread = asyncio.run(work())
    assert asked and {*asked} == {kafka_thread}


class Slow:
    """In place of the pipeline: answers once `go_on` is set."""

    def __init__(self):
        self.go_on, self.asked = asyncio.Event(), []

    async def process(self, inputs):
        self.asked.append(len(inputs))
        await self.go_on.wait()
        return [Output(item.value, SEEN) for item in inputs]


def gathered(*sizes, passes_s=0.0):
    """What the pipeline is asked for while nothing is answered, and after that.

    Args:
        sizes: misses of batches that come one after the other.
        passes_s: how much later than they the loop looks again.
    """

    async def work():
        pipeline, now = Slow(), 1000.0
        runner = Runner(load_settings(None, {}, []), pipeline, Metrics())
        runner._loop = loop = asyncio.get_running_loop()
        loop.time = lambda: now
        for size in sizes:
            runner._admit([batch(*[None] * size)])
            for _ in range(3):
                await asyncio.sleep(0)
        now += passes_s
        for _ in range(5):
            await asyncio.sleep(0)
        before = list(pipeline.asked)
        pipeline.go_on.set()
        while runner.lanes.finished.qsize() < len(sizes):
            await asyncio.sleep(0)
        return before, pipeline.asked[len(before) :]

    with clients():
        return asyncio.run(work())


def test_what_comes_while_groups_are_under_way_gathers_until_one_is_answered():
    assert gathered(1, 2, 3, 4, 5) == ([1, 2], [12])


def test_what_fills_a_group_does_not_wait():
    assert gathered(1, 2, 200, 100) == ([1, 2, 300], [])


def test_what_has_waited_for_long_enough_does_not_wait_for_an_answer():
    """Else a model that hangs on one group would hold up all partitions."""
    assert gathered(1, 2, 3, 4, passes_s=1.0) == ([1, 2, 7], [])
