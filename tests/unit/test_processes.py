"""Several workers under a supervisor: sums of their metrics, names of their own, pauses."""

import asyncio
import json
import logging
from types import SimpleNamespace

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from worker import logs
from worker.commands import processes
from worker.commands.run import Member
from worker.commands.summed_metrics import add_up, summary
from worker.config.load import load_settings
from worker.metrics import Metrics
from worker.stream.clients import transactional_id


def metrics(consumed: int, lag: int) -> str:
    found = Metrics()
    found.consumed.inc(consumed)
    found.events.labels("complete").inc(consumed)
    found.event_seconds.observe(0.004)
    found.lag.labels("queries", "3").set(lag)
    return generate_latest(found.registry).decode()


def samples(text: str) -> dict[str, float]:
    return {
        f"{sample.name}{json.dumps(sample.labels, sort_keys=True)}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_counters_and_histograms_are_summed_and_gauges_are_by_process():
    found = samples(add_up({"1": metrics(5, 10), "2": metrics(7, 20)}))
    assert found["query_worker_records_consumed_total{}"] == 12
    assert found['query_worker_events_total{"status": "complete"}'] == 12
    assert found["query_worker_event_seconds_count{}"] == 2
    assert found['query_worker_event_seconds_bucket{"le": "0.005"}'] == 2
    assert found['query_worker_event_seconds_bucket{"le": "0.003"}'] == 0
    lag = 'query_worker_consumer_lag_records{"partition": "3", "process": "%d", "topic": "queries"}'
    assert (found[lag % 1], found[lag % 2]) == (10, 20)


def test_what_ended_processes_counted_stays_and_their_gauges_go():
    ended = add_up({}, [add_up({}, ["", metrics(5, 10)]), metrics(1, 11)])
    found = samples(add_up({"1": metrics(7, 20)}, [ended]))
    assert found["query_worker_records_consumed_total{}"] == 13
    assert [name for name in found if "lag_records" in name and '"process": "1"' not in name] == []


def test_the_types_of_the_series_stay_as_they_are():
    types = {family.name: family.type for family in text_string_to_metric_families(metrics(1, 1))}
    added = text_string_to_metric_families(add_up({"1": metrics(1, 1)}))
    assert {family.name: family.type for family in added} == types


def test_the_summary_is_that_of_one_worker():
    text = add_up({"1": metrics(5, 0), "2": metrics(7, 0)})
    assert summary(text) == "consumed 12, published 12, dead-lettered 0"
    assert summary("") == "consumed 0, published 0, dead-lettered 0"


@pytest.mark.parametrize("table", ["client", "consumer"])
def test_each_worker_has_a_group_instance_id_and_a_transactional_id_of_its_own(table):
    given = [f"kafka.{table}.group.instance.id=host-a", "kafka.delivery=exactly-once"]
    chosen = load_settings(None, {}, given)
    own = [Member(number, None, None).own(chosen) for number in (1, 2)]
    instances = [getattr(item.kafka, table)["group.instance.id"] for item in own]
    assert instances == ["host-a-1", "host-a-2"]
    assert [transactional_id(item.kafka) for item in own] == [
        "query-worker-host-a-1",
        "query-worker-host-a-2",
    ]


def test_without_a_group_instance_id_nothing_is_changed():
    chosen = load_settings(None, {}, [])
    assert Member(1, None, None).own(chosen) == chosen


def test_a_worker_that_keeps_dying_is_started_again_after_ever_longer_bounded_pauses(monkeypatch):
    bounds, now = [], [0.0]
    supervisor = processes.Supervisor(load_settings(None, {}, ["server.port=0"]), 2, [])
    supervisor._stop = asyncio.Event()

    async def lived(number: int) -> SimpleNamespace:
        if len(bounds) == 9:  # at last it lives for a while
            now[0] += 1000
        return SimpleNamespace(process=SimpleNamespace(returncode=-9), stop=None, began=0.0)

    def uniform(low: float, high: float) -> float:
        bounds.append(high)
        if len(bounds) == 10:
            supervisor._stop.set()
        return low

    monkeypatch.setattr(processes, "monotonic", lambda: now[0])
    monkeypatch.setattr(processes.random, "uniform", uniform)
    monkeypatch.setattr(supervisor, "_run_child", lived)
    asyncio.run(supervisor._keep_running(1))
    assert bounds == [1, 2, 4, 8, 16, 32, 60, 60, 60, 1]


def test_a_worker_that_was_killed_while_it_reported_is_no_fault_of_ours():
    async def heard() -> processes.Child:
        supervisor = processes.Supervisor(load_settings(None, {}, ["server.port=0"]), 2, [])
        child = processes.Child(1, 0, None, None, 0.0)
        reader = asyncio.StreamReader()
        reader.feed_data(b'{"metrics":"whole"}\n{"metrics":"cu')
        reader.feed_eof()
        await supervisor._listen(child, reader)
        return child

    assert asyncio.run(heard()).metrics == "whole"


@pytest.mark.parametrize("format", ["text", "json"])
def test_messages_bear_the_number_of_their_process(monkeypatch, format):
    monkeypatch.setattr(logs, "_process", 2)
    formatter = logs._Json() if format == "json" else logs._Text()
    record = logging.LogRecord("worker.x", logging.INFO, "", 1, "hello", (), None)
    line = formatter.format(record)
    if format == "json":
        assert json.loads(line)["process"] == 2
    else:
        assert line.endswith("INFO    [2] worker.x: hello")


@pytest.mark.parametrize(
    ("second", "live", "ready"), [(True, True, True), (None, True, False), (False, False, False)]
)
def test_one_worker_decides_for_all_of_them(monkeypatch, second, live, ready):
    """None is one that cannot be asked, since it is started again."""
    supervisor = processes.Supervisor(load_settings(None, {}, ["server.port=0"]), 2, [])

    async def ask(number: int, path: str) -> processes.Probe:
        return (True if number == 1 else second), {"state": f"{number} {path}"}

    monkeypatch.setattr(supervisor, "_probe", ask)
    found = asyncio.run(supervisor._live())
    assert found.ok == live
    assert found.details == {"processes": {"1": {"state": "1 /livez"}, "2": {"state": "2 /livez"}}}
    assert asyncio.run(supervisor._ready()).ok == ready


def test_metrics_that_were_asked_for_earlier_do_not_replace_later_ones(monkeypatch):
    supervisor = processes.Supervisor(load_settings(None, {}, ["server.port=0"]), 2, [])
    child = processes.Child(1, 0, None, None, 0.0, metrics="later", requested_at=2.0)

    async def get(*_: object) -> tuple[int, bytes]:
        return 200, b"other"

    monkeypatch.setattr(child, "get", get)
    for now, expected in ((1.0, "later"), (3.0, "other")):
        monkeypatch.setattr(processes, "monotonic", lambda now=now: now)
        asyncio.run(supervisor._refresh_one(child))
        assert child.metrics == expected
