"""`run --processes 2`: two workers share the partitions, and look like one from outside."""

import json
import os
import re
import signal
import ssl
import urllib.error
import urllib.request
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import program
from tests.servers.certificates import Authority
from tests.stream import Record, committed, produce, read, settings, wait_until

COUNT = 2000
TOKEN = "Bearer hush-hush"
CONSUMED = "query_worker_records_consumed_total"


class Supervisor:
    """A running `run --processes 2`."""

    def __init__(self, process: program.Process) -> None:
        self.process = process
        process.says("2 processes; health and metrics at")
        self.url = re.search(r"2 processes; health and metrics at (\S+:\d+)", process.log)[1]

    @property
    def workers(self) -> list[int]:
        """Process ids, in the order of their start."""
        pid = self.process.popen.pid
        files = Path(f"/proc/{pid}/task").glob("*/children")
        return sorted(int(child) for file in files for child in file.read_text().split())

    def get(self, path: str) -> tuple[int, str]:
        request = urllib.request.Request(self.url + path, headers={"Authorization": TOKEN})
        trust = ssl._create_unverified_context()
        try:
            with urllib.request.urlopen(request, timeout=10, context=trust) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def samples(self) -> dict[str, float]:
        lines = self.get("/metrics")[1].splitlines()
        pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in pairs}

    def shares(self) -> list[float | None]:
        """How many partitions each has."""
        found = self.samples()
        return [found.get(f'query_worker_assigned_partitions{{process="{n}"}}') for n in (1, 2)]

    def states(self, path: str) -> list[str]:
        processes = json.loads(self.get(path)[1])["processes"]
        return [processes[number]["state"] for number in ("1", "2")]


@contextmanager
def supervised(chosen, *flags):
    flags = [*program.assignments(chosen), "--set", "inference.threads=1", *flags]
    with program.started("run", "--processes", "2", *flags) as process:
        supervisor = Supervisor(process)
        try:
            yield supervisor
        finally:
            for worker in supervisor.workers if process.popen.poll() is None else ():
                os.kill(worker, signal.SIGKILL)


def records(count):
    return [Record(b'{"query": "red shoes %d"}' % (n % 300), partition=n % 4) for n in range(count)]


def out(broker, topics, least):
    """Query id → how often it came out."""
    found = read(broker.bootstrap_servers, [topics.output], least)
    return Counter(json.loads(message.value())["query_id"] for message in found)


def test_two_share_the_partitions_and_all_comes_out_once(broker):
    topics = broker.topics()
    chosen = settings(broker.bootstrap_servers, topics)
    with supervised(chosen) as two:
        wait_until(lambda: two.get("/readyz")[0] == 200, "both are ready")
        wait_until(lambda: two.shares() == [2, 2], "each has two partitions")
        produce(broker.bootstrap_servers, topics.input, records(COUNT))
        wait_until(lambda: two.samples()[CONSUMED] == COUNT, "all is consumed", 120)
        assert two.get("/livez")[0] == 200 and two.states("/livez") == ["running", "running"]
        assert two.get("/else")[0] == 404
        found = two.samples()
        assert found['query_worker_process_up{process="2"}'] == 1
        assert {"query_worker_batch_records_count", 'process_open_fds{process="1"}'} <= set(found)
        for pid in (two.process.popen.pid, *two.workers):  # all, as systemd does
            os.kill(pid, signal.SIGTERM)
        assert two.process.ended() == 0, two.process.log
    assert set(out(broker, topics, COUNT).values()) == {1}
    log = two.process.log
    assert f"consumed {COUNT}, published {COUNT}, dead-lettered 0" in log
    assert log.count("consumed ") == 1, "one summary"
    for number in (1, 2):
        assert f" [{number}] worker.stream.runner: draining" in log


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_a_killed_worker_is_started_again_and_nothing_is_lost(real_broker, delivery):
    """Exactly once with static members, which come back under their own names."""
    broker, topics = real_broker, real_broker.topics()
    flags = "understanding.cache_bytes=0", f"kafka.delivery={delivery}"
    chosen = settings(broker.bootstrap_servers, topics, *flags)
    static = ["--set", "kafka.consumer.group.instance.id=host"]
    group = broker.bootstrap_servers, chosen.kafka.group_id, topics.input
    seen = []

    def consumed():
        seen.append(two.samples()[CONSUMED])
        return seen[-1]

    with supervised(chosen, *(static if delivery == "exactly-once" else ())) as two:
        wait_until(lambda: two.shares() == [2, 2], "each has two partitions")
        produce(broker.bootstrap_servers, topics.input, records(COUNT))
        wait_until(lambda: consumed() > 200, "they work")
        killed = two.workers[0]
        os.kill(killed, signal.SIGKILL)
        two.process.says("was ended by signal 9 (Killed) and is started again in")
        wait_until(lambda: consumed() and two.get("/readyz")[0] == 503, "it is not ready")
        assert two.get("/livez")[0] == 200
        wait_until(lambda: consumed() and two.get("/readyz")[0] == 200, "it is back")
        assert len(two.workers) == 2 and killed not in two.workers
        wait_until(lambda: consumed() and sum(committed(*group).values()) == COUNT, "all", 120, 0.3)
        restarts = "query_worker_process_restarts_total"
        assert sum(two.samples().get(f'{restarts}{{process="{n}"}}', 0) for n in (1, 2)) == 1
        two.process.popen.terminate()
        assert two.process.ended() == 0, two.process.log
    assert seen == sorted(seen), "a sum went backwards"
    times = out(broker, topics, COUNT)
    assert len(times) == COUNT
    assert delivery == "at-least-once" or set(times.values()) == {1}


def test_livez_fails_while_one_hangs(embedded_broker, tmp_path):
    """With TLS and a token, which are the supervisor's."""
    pair = Authority(tmp_path, "ca").issue("worker")
    chosen = settings(
        *(embedded_broker.bootstrap_servers, embedded_broker.topics(), "logging.format=json"),
        *(f"server.tls_certificate={pair.certificate}", f"server.tls_key={pair.key}"),
    )
    with supervised(chosen, "--set", "server.token=hush-hush") as two:
        wait_until(lambda: two.get("/readyz")[0] == 200, "both are ready")
        assert two.url.startswith("https://")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(
                f"{two.url}/metrics", timeout=10, context=ssl._create_unverified_context()
            )
        hung = two.workers[1]
        os.kill(hung, signal.SIGSTOP)
        wait_until(lambda: two.get("/livez")[0] == 503, "the hang is seen")
        assert "no response" in two.states("/livez")
        os.kill(hung, signal.SIGCONT)
        wait_until(lambda: two.get("/livez")[0] == 200, "it goes on")
        two.process.popen.send_signal(signal.SIGHUP)
        unchanged = 'query_worker_config_reloads_total{outcome="unchanged"}'
        wait_until(lambda: two.samples()[unchanged] == 2, "both have reloaded")
        two.process.popen.terminate()
        assert two.process.ended() == 0, two.process.log
    said = [json.loads(line) for line in two.process.lines]
    assert {1, 2} <= {line.get("process") for line in said}


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        ("policies.fallback_intent=nonsense", 2, "policies.fallback_intent: found 'nonsense'"),
        ("kafka.bootstrap_servers=127.0.0.1:9", 1, "Kafka at 127.0.0.1:9: "),
    ],
)
def test_a_fault_that_would_repeat_ends_all_with_one_message(fault, code, message):
    flags = [word for item in (fault, "server.port=0") for word in ("--set", item)]
    flags += ["--set", "lifecycle.startup_timeout_s=1", "--set", "inference.backend=onnx"]
    done = program.run("run", "--processes", "2", *flags)
    said = done.stderr.partition("query-worker: ")[2]
    assert done.returncode == code and message in said, done.stderr
    assert done.stderr.count("query-worker: ") == 1
    assert "started again" not in done.stderr


def test_a_second_signal_kills_both(embedded_broker):
    chosen = settings(
        *(embedded_broker.bootstrap_servers, embedded_broker.topics()),
        "lifecycle.shutdown_timeout_s=600",
    )
    with supervised(chosen) as two:
        wait_until(lambda: two.get("/readyz")[0] == 200, "both are ready")
        workers = two.workers
        os.kill(workers[0], signal.SIGSTOP)  # it cannot drain
        two.process.popen.terminate()
        two.process.says("draining")
        two.process.popen.terminate()
        assert two.process.ended(30) == 1
        wait_until(lambda: not any(map(lives, workers)), "both are gone")


def test_workers_whose_supervisor_is_gone_drain(embedded_broker):
    chosen = settings(embedded_broker.bootstrap_servers, embedded_broker.topics())
    with supervised(chosen) as two:
        wait_until(lambda: two.get("/readyz")[0] == 200, "both are ready")
        workers = two.workers
        two.process.popen.kill()
        wait_until(lambda: not any(map(lives, workers)), "both are gone")
    assert two.process.log.count("draining") == 2


def lives(pid: int) -> bool:
    """Whether a process runs, and is not only waiting to be reaped."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False
