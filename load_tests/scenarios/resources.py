"""Memory under a backlog, two processes, an idle worker, the start."""

from __future__ import annotations

import statistics
import time

from load_tests.bench import Backlog, Bench, Delivery, fill
from load_tests.figures import Chart, Figure, Result
from load_tests.observe import Window, watch
from load_tests.scenarios.common import warm_up, window
from load_tests.triton import serve

RECORDS, BACKLOG_S = 1_000_000, 240.0
DELIVERIES: tuple[Delivery, ...] = ("at-least-once", "exactly-once")
LAUNCH_S, SETTLE_S = 60.0, 3.0


def backlog(bench: Bench) -> Result:
    """A backlog of 1,000,000 records, cached and all different, both guarantees: memory."""
    bench.triton(serve.NOTHING)
    figures, lines, notes = {}, {}, []
    for name, filled in (("cached", bench.cached()), ("different", bench.distinct())):
        for delivery in DELIVERIES:
            seen = _drain(bench, filled, delivery)
            label = f"{name}, {delivery}"
            lines[label] = seen.memory()
            figures[f"{label}: peak"] = Figure([seen.peak_mb], "MiB", "lower", 300)
            figures[f"{label}: last third / middle third"] = Figure(
                [_growth(seen)], "×", "lower", 1.1
            )
            notes.append(f"{label}: {seen.events:,} records in {seen.seconds:.0f} s")
    chart = Chart("Memory under a backlog", "seconds", "MiB", lines)
    return Result("Backlog of 1,000,000 records, memory", figures, [chart], notes)


def _drain(bench: Bench, filled: Backlog, delivery: Delivery) -> Window:
    limit = max(10.0, BACKLOG_S * bench.scale)
    with bench.worker(filled.topic, delivery=delivery) as subject:
        subject.until_ready()
        total = min(bench.scaled(RECORDS), filled.count)
        return watch(subject.pid, subject.offsets.total, limit, total)


def _growth(window: Window) -> float:
    """Resident memory of the last third as a multiple of that of the middle third."""
    values = [value for _, value in window.memory()]
    third = len(values) // 3
    return statistics.median(values[-third:]) / statistics.median(values[third : 2 * third])


def processes(bench: Bench) -> Result:
    """Two processes on two cores: CPU an event against one process."""
    filled = bench.cached()
    bench.triton(serve.NOTHING)
    windows: dict[int, list[Window]] = {1: [], 2: []}
    for _ in range(bench.rounds):
        for number, found in windows.items():
            with bench.worker(filled.topic, processes=number) as subject:
                warm_up(subject, filled, number)
                found.append(window(bench, filled, subject))
    pairs = list(zip(windows[1], windows[2], strict=True))
    figures = {
        "CPU an event, two / one": Figure(
            [two.cpu_us / one.cpu_us for one, two in pairs], "×", "lower", 1.15
        ),
        "rate, two / one": Figure([two.rate / one.rate for one, two in pairs], "×", "higher"),
        "one, CPU": Figure([one.cpu_us for one, _ in pairs], "µs/event", "lower"),
        "two, CPU": Figure([two.cpu_us for _, two in pairs], "µs/event", "lower"),
        "two, peak memory": Figure([two.peak_mb for _, two in pairs], "MiB", "lower"),
    }
    return Result("Two processes, every query cached", figures)


def idle(bench: Bench) -> Result:
    """Idle CPU; from the start of `run` to the first event."""
    bench.triton(serve.NOTHING)
    shares, starts = [], []
    for _ in range(bench.rounds):
        topic = bench.topic()
        fill(bench.kafka.bootstrap_servers, topic, [0])
        with bench.worker(topic) as subject:
            subject.until(lambda: subject.offsets.total() > 0, LAUNCH_S, "start", pause_s=0.01)
            starts.append(time.monotonic() - subject.began)
            time.sleep(SETTLE_S)
            quiet = watch(subject.pid, subject.offsets.total, bench.window_s)
            shares.append(100 * quiet.cpu_share)
    figures = {
        "idle, of one core": Figure(shares, "%", "lower", 1),
        "start to first event": Figure(starts, "s", "lower", 2),
    }
    return Result("Idle, and the start, Kafka and Triton up", figures)
