"""Open loop: latencies at a constant rate, and a burst. Every event is accounted for."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import numpy as np

from load_tests.bench import DIFFERENT, Bench, fill
from load_tests.figures import Chart, Figure, Result, percentiles
from load_tests.generator import Load, Sent
from load_tests.reconcile import Balance, Outputs
from load_tests.scenarios.common import WARM_S, account, capacity, sending
from load_tests.schedule import Schedule, drain_s
from load_tests.subjects import Subject
from load_tests.triton import serve

SETTLE_S = 2.0  # of each load, left out of the percentiles
CACHED_RATE = 20_000
FIRST = 1_300_000  # queries that no backlog asks for
SHARES = (0.5, 0.9, 0.95, 0.99, 0.999, 1.0)
SUSTAINED, BURST = 0.25, 10.0  # shares of the capacity and of the sustained rate
BEFORE_S = 5.0


@dataclass(frozen=True)
class Run:
    """Attributes: `latencies` in milliseconds from when an event was due to its output."""

    latencies: np.ndarray
    balance: Balance
    sent: Sent


def half(bench: Bench) -> Result:
    """All different, models that answer after 5 ms, half of the saturated rate."""
    saturated = capacity(bench, serve.SLOW)
    schedule = Schedule(saturated / 2, bench.window_s + SETTLE_S)
    runs = []
    for number in range(bench.rounds):
        topic = bench.topic()
        with bench.worker(topic) as subject:
            subject.until_ready()
            load = Load(schedule, first=FIRST + number * len(schedule.times()))
            runs.append(_run(bench, subject, topic, load))
    note = f"saturated: {saturated:,.0f} events/s; offered: {schedule.rate:,.0f}"
    return _result("Latency, all different, models that answer after 5 ms", runs, note, (None, 25))


def cached(bench: Bench) -> Result:
    """All cached, 20,000 events/s offered."""
    bench.triton(serve.NOTHING)
    schedule = Schedule(CACHED_RATE, bench.window_s + SETTLE_S)
    runs = []
    for number in range(bench.rounds):
        topic = bench.topic()
        with bench.worker(topic) as subject:
            queries = range(DIFFERENT)
            fill(bench.kafka.bootstrap_servers, topic, queries, start=-len(queries))
            subject.until_out(DIFFERENT, WARM_S)
            load = Load(schedule, "uniform", DIFFERENT, seed=number)
            runs.append(_run(bench, subject, topic, load))
    note = f"offered: {schedule.rate:,.0f} events/s over {DIFFERENT:,} queries"
    return _result("Latency, all cached", runs, note, (5, 15))


def _run(bench: Bench, subject: Subject, topic: str, load: Load) -> Run:
    sent = sending(bench, topic, load).result()
    outputs, balance = account(bench, subject, sent)
    due = load.schedule.times()
    return Run(_latencies(outputs, due, sent.started_at), balance, sent)


def _latencies(outputs: Outputs, due: np.ndarray, started_at: float) -> np.ndarray:
    """Milliseconds of the events that were due after the settling."""
    counted = outputs.numbers >= 0
    scheduled = due[outputs.numbers[counted]]
    latencies = outputs.at_ms[counted] - 1000 * (started_at + scheduled)
    return latencies[scheduled >= SETTLE_S]


def _result(
    title: str, runs: list[Run], note: str, targets: tuple[float | None, float | None]
) -> Result:
    found = [dict(zip(SHARES, percentiles(run.latencies, *SHARES), strict=True)) for run in runs]
    figures = {
        "p50": Figure([row[0.5] for row in found], "ms", "lower", targets[0]),
        "p99": Figure([row[0.99] for row in found], "ms", "lower", targets[1]),
        "p99.9": Figure([row[0.999] for row in found], "ms", "lower"),
        "largest": Figure([row[1.0] for row in found], "ms"),
        "lost": Figure([run.balance.lost for run in runs], "events", "lower", 0),
        "out of order": Figure([run.balance.out_of_order for run in runs], "events", "lower", 0),
        "duplicated": Figure([run.balance.duplicated for run in runs], "events", "lower"),
        "generator late, p99": Figure([run.sent.late_p99_ms for run in runs], "ms"),
    }
    shares = np.linspace(0.01, 0.999, 200)
    values = percentiles(runs[-1].latencies, *shares)
    line = [(100 * share, value) for share, value in zip(shares, values, strict=True)]
    chart = Chart(title, "percentile", "ms", {"from due to output": line})
    return Result(title, figures, [chart], [note])


def burst(bench: Bench) -> Result:
    """A burst of ten times the sustained rate: lost, and time to normal against queue theory."""
    most = capacity(bench, serve.NOTHING)
    rate, burst_s = SUSTAINED * most, max(2.0, 10.0 * bench.scale)
    expected = drain_s((BURST * rate - most) * burst_s, most, rate)
    seconds = BEFORE_S + burst_s + 2.5 * expected + 5.0
    schedule = Schedule(rate, seconds, BEFORE_S, burst_s, BURST)
    ratios, balances, lines = [], [], []
    for number in range(bench.rounds):
        topic = bench.topic()
        with bench.worker(topic) as subject:
            subject.until_ready()
            load = Load(schedule, first=FIRST + number * len(schedule.times()))
            line, sent = _backlog_line(bench, subject, topic, load)
            balances.append(account(bench, subject, sent)[1])
        lines.append(line)
        ratios.append(_recovery(line, most, schedule))
    figures = {
        "time to normal / theory": Figure(ratios, "×", "lower", 1.2),
        "lost": Figure([balance.lost for balance in balances], "events", "lower", 0),
        "out of order": Figure([b.out_of_order for b in balances], "events", "lower", 0),
        "duplicated": Figure([balance.duplicated for balance in balances], "events", "lower"),
    }
    note = (
        f"capacity {most:,.0f} events/s, sustained {rate:,.0f}, {BURST:g} times that for"
        f" {burst_s:g} s; theory: backlog / (capacity - sustained rate)"
    )
    chart = Chart("Burst", "seconds", "records not yet out", {"backlog": lines[-1]})
    return Result("Burst, all different, do-nothing models", figures, [chart], [note])


def _backlog_line(
    bench: Bench, subject: Subject, topic: str, load: Load
) -> tuple[list[tuple[float, float]], Sent]:
    """Seconds of the schedule, and how many records were in and not out."""
    inputs, samples = bench.offsets(topic), []
    generator = sending(bench, topic, load)
    try:
        while generator.under_way:
            out, given = subject.offsets.total(), inputs.total()  # so that it is never below 0
            samples.append((time.time(), float(given - out)))
            time.sleep(0.1)
    finally:
        generator.stop()
    sent = generator.result()
    return [(at - sent.started_at, backlog) for at, backlog in samples], sent


def _recovery(line: list[tuple[float, float]], most: float, schedule: Schedule) -> float:
    """Time from the end of the burst to normal, as a multiple of what queue theory says."""
    before = [count for at, count in line if 1.0 < at < schedule.burst_at]
    normal = max(2 * statistics.median(before), 0.1 * schedule.rate)
    end = schedule.burst_at + schedule.burst_s
    after = [(at, count) for at, count in line if at >= end]
    began, backlog = after[0]
    settled = next((at for at, count in after if count <= normal), None)
    if settled is None:
        return float("inf")
    return (settled - began) / drain_s(backlog - normal, most, schedule.rate)
