"""Reloads while events stream: none is lost, and none is made of two configurations."""

import json
import shutil
import signal

from tests import program
from tests.stream import Record, produce, read, settings
from worker.config.settings import STARTER_LEXICON, STARTER_MODELS
from worker.lexicon import build

QUERIES = [
    f"{colour} {thing}"
    for colour in ("red", "blue", "black", "white", "green")
    for thing in ("running shoes", "sneakers", "boots", "sandals", "sofa", "hat")
]
ROUNDS, COUNT = 8, 4000


def test_every_event_is_of_one_configuration(real_broker, triton, tmp_path):
    broker, source, file = real_broker, tmp_path / "source", tmp_path / "worker.toml"
    source.mkdir()
    shutil.copy(STARTER_LEXICON / "shoes.txt", source)
    build.build(source, STARTER_MODELS, tmp_path / "small")
    configurations = (
        "[understanding]\nmax_expansions = 8\n",
        f"[understanding]\nmax_expansions = 2\n[lexicon]\nfolder = '{tmp_path}/small'\n",
    )
    topics = broker.topics()
    file.write_text(configurations[0])
    chosen = settings(
        *(broker.bootstrap_servers, topics, "batching.max_records=16"),
        *("inference.backend=triton", f"inference.url={triton.url}"),
        "understanding.cache_bytes=60000",  # a part of it: what is cached is met as well
    )
    done = 0

    def send(queries):
        values = [json.dumps({"query": query}).encode() for query in queries]
        spread = [Record(value, partition=n % 4) for n, value in enumerate(values)]
        return produce(broker.bootstrap_servers, topics.input, spread)

    def events(count, rest=False):
        found = read(broker.bootstrap_servers, [topics.output], count, rest)
        return [json.loads(message.value()) for message in found]

    with program.started("run", "-c", str(file), *program.assignments(chosen)) as worker:

        def reload(number):
            seen = len(worker.lines)
            file.write_text(configurations[number])
            worker.popen.send_signal(signal.SIGHUP)
            worker.says("reloaded: lexicon: version", since=seen)

        worker.says("assigned: partitions")
        done += send(QUERIES)
        expected = {told(event) for event in events(done)}
        reload(1)
        done += send(QUERIES)
        expected |= {told(event) for event in events(done)}
        assert len(expected) == 2 * len(QUERIES)  # each configuration tells itself

        for number in range(ROUNDS):
            done += send(QUERIES[n % len(QUERIES)] for n in range(COUNT // ROUNDS))
            reload(number % 2)
        found = events(done, rest=True)
        worker.popen.terminate()
        assert worker.ended() == 0, worker.log
    assert len(found) == done
    assert {told(event) for event in found} == expected
    assert "Traceback" not in worker.log


def told(event):
    """What the configuration decides of an event."""
    parts = "normalized_query", "expansions", "categories", "attributes"
    return json.dumps([event["provenance"]["lexicon"], *(event[part] for part in parts)])
