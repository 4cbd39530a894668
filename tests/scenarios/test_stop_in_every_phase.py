"""SIGTERM ends the worker within its deadline, whatever it waits for, with the right exit code."""

import os
import signal

import pytest

from tests import program
from tests.stream import Record, Topics, committed, produce, read, settings, shoes

DEADLINE_S = 6


def flags(bootstrap, topics, *assignments):
    chosen = settings(bootstrap, topics, f"lifecycle.shutdown_timeout_s={DEADLINE_S}", *assignments)
    return program.assignments(chosen)


def ends(worker):
    """Stop it; its exit code.

    What it waits for never comes. Twice its deadline is for a busy machine, where also the end of
    an interpreter takes seconds.
    """
    worker.popen.terminate()
    return worker.ended(2 * DEADLINE_S)


@pytest.mark.parametrize("name", ["127.0.0.1:9", "no-such-host.invalid:9092"])
def test_while_it_waits_for_kafka(name):
    with program.started("run", *flags(name, Topics.fresh())) as worker:
        worker.says(f"waiting for Kafka at {name}")
        assert ends(worker) == 0, worker.log
    assert "Traceback" not in worker.log


def test_while_it_waits_for_a_name_that_does_not_resolve(embedded_broker):
    server = "inference.backend=triton", "inference.url=no-such-host.invalid:8001"
    chosen = flags(embedded_broker.bootstrap_servers, embedded_broker.topics(), *server)
    with program.started("run", *chosen) as worker:
        worker.says("waiting for Triton at no-such-host.invalid:8001")
        assert ends(worker) == 0, worker.log
    assert "Traceback" not in worker.log


def test_while_a_reload_hangs(embedded_broker, tmp_path):
    """A configuration file on a file system that does not answer; here, a pipe without a writer."""
    file, topics = tmp_path / "worker.toml", embedded_broker.topics()
    file.write_text("")
    chosen = flags(embedded_broker.bootstrap_servers, topics)
    with program.started("run", "-c", str(file), *chosen) as worker:
        worker.says("assigned: partitions")
        file.unlink()
        os.mkfifo(file)
        worker.popen.send_signal(signal.SIGHUP)
        worker.says("reloading the configuration")
        produce(embedded_broker.bootstrap_servers, topics.input, [Record(b'{"query": "red"}')])
        read(embedded_broker.bootstrap_servers, [topics.output], 1)  # the work goes on
        assert ends(worker) == 0, worker.log
    assert "consumed 1, published 1" in worker.log


def test_while_the_models_hang(broker, triton):
    """What they have not answered is consumed again: nothing of it is committed."""
    topics = broker.topics()
    chosen = flags(
        *(broker.bootstrap_servers, topics, "inference.timeout_ms=500"),
        *("inference.backend=triton", f"inference.url={triton.url}"),
    )
    with program.started("run", *chosen) as worker:
        worker.says("assigned: partitions")
        with triton.frozen():
            produce(broker.bootstrap_servers, topics.input, [Record(b'{"query": "red"}')])
            worker.says("trying again")
            assert ends(worker) == 1, worker.log
    assert "the drain ended at its deadline: 1 batches will be consumed again" in worker.log
    assert committed(broker.bootstrap_servers, topics.input, topics.input) == {}


def test_while_the_broker_is_away(kafka_of_its_own):
    """Records that it did not confirm are in flight."""
    broker, topics = kafka_of_its_own, Topics.fresh()
    broker.create(topics.input, topics.output, topics.dead_letters)
    produce(broker.bootstrap_servers, topics.input, shoes(0, 6000))
    with program.started("run", *flags(broker.bootstrap_servers, topics)) as worker:
        read(broker.bootstrap_servers, [topics.output], 50, rest=False)
        broker.kill()
        worker.says("Kafka: ")
        assert ends(worker) == 1, worker.log
    assert "will be consumed again" in worker.log
    assert "Traceback" not in worker.log
