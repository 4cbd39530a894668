"""SIGHUP takes a new configuration and lexicon over as a whole, or not at all, and says so."""

import json
import re
import shutil
import signal
import urllib.request
from contextlib import contextmanager
from operator import itemgetter

import pytest

from tests import program
from tests.stream import Record, Topics, produce, read, settings
from worker.config.settings import STARTER_LEXICON, STARTER_MODELS
from worker.lexicon import build
from worker.lexicon.lexicon import Lexicon

QUERY = b'{"query": "red running shoes"}'
ASKED = Record(QUERY, b"key")


@pytest.fixture(scope="module")
def small_lexicon(tmp_path_factory):
    """The department of shoes alone, built."""
    source = tmp_path_factory.mktemp("source")
    shutil.copy(STARTER_LEXICON / "shoes.txt", source)
    build.build(source, STARTER_MODELS, source / "built")
    return source / "built"


class Worker:
    """A `query-worker run` with a configuration file, and its topics."""

    def __init__(self, broker, process, file, topics):
        self.broker, self.process, self.file, self.topics = broker, process, file, topics

    def write(self, text):
        self.file.write_text(text)

    def hang_up(self, told):
        """Send SIGHUP and wait for what the log says then."""
        seen = len(self.process.lines)
        self.process.popen.send_signal(signal.SIGHUP)
        self.process.says(told, since=seen)
        return "".join(self.process.lines[seen:])

    def understood(self, count, asked=ASKED):
        """Produce a query once more: the event, the newest of `count` so far, whose partitions are
        read in any order."""
        produce(self.broker.bootstrap_servers, self.topics.input, [asked])
        found = read(self.broker.bootstrap_servers, [self.topics.output], count, rest=False)
        events = (json.loads(message.value()) for message in found)
        return max(events, key=itemgetter("processed_at"))

    def metric(self, name):
        url = re.search(r"health and metrics at (\S+)", self.process.log)[1]
        with urllib.request.urlopen(f"{url}/metrics", timeout=5) as answer:
            return re.search(rf"^query_worker_{name} (\S+)$", answer.read().decode(), re.M)[1]


@contextmanager
def working(broker, file):
    """A worker with this configuration file, when it has its partitions."""
    topics = broker.topics()
    flags = program.assignments(settings(broker.bootstrap_servers, topics))
    with program.started("run", "-c", str(file), *flags) as process:
        process.says("assigned: partitions")
        yield Worker(broker, process, file, topics)


@pytest.fixture
def file(tmp_path):
    (tmp_path / "worker.toml").write_text("")
    return tmp_path / "worker.toml"


@pytest.fixture
def worker(embedded_broker, file):
    with working(embedded_broker, file) as worker:
        yield worker
        worker.process.popen.terminate()
        assert worker.process.ended() == 0, worker.process.log
        assert "Traceback" not in worker.process.log


def test_what_is_served_changes_with_the_configuration(worker, small_lexicon):
    starter, small = Lexicon.load(STARTER_LEXICON).version, Lexicon.load(small_lexicon).version
    first, again = worker.understood(1), worker.understood(2)
    assert first["expansions"] and again["provenance"]["cached"]
    assert again["provenance"]["lexicon"] == starter

    worker.write("[understanding]\nmax_expansions = 0\n")
    worker.hang_up("reloaded: understanding.max_expansions: 8 -> 0\n")
    event = worker.understood(3)
    assert event["expansions"] == [] and not event["provenance"]["cached"]

    worker.write(f"[lexicon]\nfolder = '{small_lexicon}'\n[policies]\nmatching = 'degrade'\n")
    log = worker.hang_up(f"reloaded: lexicon: version {starter} -> version {small}\n")
    assert "understanding.max_expansions: 0 -> 8\n" in log
    assert "policies.matching: 'block' -> 'degrade'\n" in log
    event = worker.understood(4)
    assert event["expansions"] and not event["provenance"]["cached"]
    assert event["provenance"]["lexicon"] == small
    assert worker.metric(r'config_reloads_total{outcome="changed"}') == "2.0"


def test_a_change_that_makes_the_same_answers_keeps_the_cache(worker):
    worker.understood(1)
    before = worker.metric(r'config_info{hash="\w+"}')
    worker.write("[logging]\nformat = 'json'\n[batching]\nmax_wait_ms = 5\n")
    worker.hang_up("reloaded: logging.format: 'text' -> 'json'\n")
    assert worker.understood(2)["provenance"]["cached"]
    seen = len(worker.process.lines)
    worker.process.popen.send_signal(signal.SIGHUP)
    worker.process.says('"message":"reloaded: nothing has changed"', since=seen)
    assert worker.metric(r'config_reloads_total{outcome="unchanged"}') == "1.0"
    assert before == "1.0"


def test_it_is_refused_as_a_whole_and_all_that_is_wrong_is_told(worker, small_lexicon, tmp_path):
    worker.understood(1)
    worker.write(
        "[understanding]\nmax_expansions = 0\nmin_similarity = 7\n[logging]\nlevel = 'x'\n"
    )
    log = worker.hang_up("logging.level: found 'x'")
    assert "the configuration is not reloaded, the old one stays: configuration: 2 faults" in log
    assert "understanding.min_similarity: found 7" in log

    worker.write(
        "[understanding]\nmax_expansions = 0\n[lifecycle]\nstartup_timeout_s = 9\n[kafka.client]\n"
        f'"sasl.password" = "hunter2"\n[lexicon]\nfolder = "{tmp_path}"\n'
    )
    log = worker.hang_up("lifecycle.startup_timeout_s: found 9")
    assert "kafka.client.sasl.password: found another value (hidden), expected" in log
    assert "restart the worker to apply it, or set it back" in log
    assert f"{tmp_path}/lexicon.json: not found" in log
    assert "hunter2" not in worker.process.log

    event = worker.understood(2)
    assert event["expansions"] and event["provenance"]["cached"]
    assert worker.metric(r'config_reloads_total{outcome="refused"}') == "2.0"
    assert worker.metric(r'config_reloads_total{outcome="changed"}') == "0.0"


def test_the_limits_of_dead_letters_hold_from_then_on(embedded_broker, file):
    with working(embedded_broker, file) as worker:
        worker.write("[dead_letters]\nmax_share = 0\nmax_per_minute = 1\n")
        worker.hang_up("dead_letters.max_share: found 0")
        worker.write("[dead_letters]\nmax_per_minute = 1\n")
        worker.hang_up("reloaded: dead_letters.max_per_minute: no value -> 1\n")
        bad = [Record(b"{"), Record(b"{")]
        produce(embedded_broker.bootstrap_servers, worker.topics.input, bad)
        assert worker.process.ended() == 1
        assert "2 records in a minute were rejected" in worker.process.log
        assert "dead_letters.max_per_minute = 1" in worker.process.log


def test_a_link_is_read_anew_as_kubernetes_moves_it(embedded_broker, tmp_path, small_lexicon):
    """A ConfigMap's file is a link through `..data`, which is replaced by a rename."""
    for version, most in (("..1", 8), ("..2", 0)):
        (tmp_path / version).mkdir()
        (tmp_path / version / "worker.toml").write_text(
            f"[understanding]\nmax_expansions = {most}\n"
        )
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "worker.toml").symlink_to("..data/worker.toml")
    with working(embedded_broker, tmp_path / "worker.toml") as worker:
        (tmp_path / "..new").symlink_to("..2")
        (tmp_path / "..new").rename(tmp_path / "..data")
        shutil.rmtree(tmp_path / "..1")
        worker.hang_up("reloaded: understanding.max_expansions: 8 -> 0\n")
        worker.process.popen.terminate()
        assert worker.process.ended() == 0, worker.process.log


def test_before_it_is_up_and_while_it_drains_it_is_harmless(embedded_broker, triton, tmp_path):
    topics, file = Topics.fresh(), tmp_path / "worker.toml"
    file.write_text("")
    chosen = settings(
        *(embedded_broker.bootstrap_servers, topics, "inference.timeout_ms=500"),
        *("inference.backend=triton", f"inference.url={triton.url}"),
    )
    with program.started("run", "-c", str(file), *program.assignments(chosen)) as process:
        process.says("waiting for Kafka")
        file.write_text("[understanding]\nmax_expansions = 0\n")
        process.popen.send_signal(signal.SIGHUP)
        process.says("reloaded: understanding.max_expansions: 8 -> 0\n")
        embedded_broker.create(topics.input, topics.output, topics.dead_letters)
        process.says("assigned: partitions")
        with triton.frozen():
            produce(embedded_broker.bootstrap_servers, topics.input, [Record(QUERY)])
            process.says("trying again")
            process.popen.terminate()
            process.says("draining: 1 batches in flight")
            process.popen.send_signal(signal.SIGHUP)
            process.says("not reloaded: the worker is stopping")
        assert process.ended() == 0, process.log
    (message,) = read(embedded_broker.bootstrap_servers, [topics.output], 1)
    assert json.loads(message.value())["expansions"] == []
