"""Every query cached: the worker beside `bare` and `splice`, in turn, on one backlog."""

from __future__ import annotations

from collections.abc import Callable

from load_tests.bench import Backlog, Bench, Delivery
from load_tests.figures import Chart, Figure, Result
from load_tests.flame import flame
from load_tests.observe import Window
from load_tests.scenarios.common import WARM_S, misses, warm_up, window
from load_tests.triton import serve


def at_least_once(bench: Bench) -> Result:
    """Every query cached, at least once, against bare."""
    return _run(bench, "at-least-once", "Every query cached, at least once")


def exactly_once(bench: Bench) -> Result:
    """Every query cached, exactly once, against bare in transactions."""
    result = _run(bench, "exactly-once", "Every query cached, exactly once")
    result.figures["worker, slowest second / mean"].target = 0.6
    return result


def _run(bench: Bench, delivery: Delivery, title: str) -> Result:
    backlog = bench.cached()
    bench.triton(serve.NOTHING)
    windows: dict[str, list[Window]] = {"bare": [], "worker": [], "splice": []}
    agreement, missed = [], 0.0
    for number in range(bench.rounds):
        windows["bare"].append(_reference(bench, "bare", backlog, delivery))
        with bench.worker(backlog.topic, delivery=delivery) as subject:
            before = warm_up(subject, backlog)
            with flame(bench, subject, f"cached-{delivery}-{number}"):
                windows["worker"].append(window(bench, backlog, subject))
            missed += misses(subject) - before
            # What a transaction aborts is in the end offsets too; its inputs are not committed.
            done = bench.committed(backlog.topic, subject)
            agreement.append(done / subject.offsets.total())
        windows["splice"].append(_reference(bench, "splice", backlog, delivery))
    figures = _figures(windows)
    figures["worker, committed inputs / outputs"] = Figure(agreement, "×")
    lines = {name: found[-1].by_second() for name, found in windows.items()}
    note = (
        f"{backlog.count:,} records that ask for {backlog.warm:,} queries, windows of"
        f" {windows['worker'][-1].seconds:.1f} s, {missed:.0f} cache misses in all of them"
    )
    return Result(title, figures, [Chart(title, "seconds", "events/s", lines)], [note])


def _reference(bench: Bench, name: str, backlog: Backlog, delivery: Delivery) -> Window:
    with bench.reference(name, backlog.topic, delivery) as subject:
        subject.until_out(2 * backlog.warm, WARM_S)
        return window(bench, backlog, subject)


def _figures(windows: dict[str, list[Window]]) -> dict[str, Figure]:
    def of(name: str, value: Callable[[Window], float]) -> list[float]:
        return [value(window) for window in windows[name]]

    rates = {name: of(name, lambda w: w.rate) for name in windows}
    ratios = [a / b for a, b in zip(rates["worker"], rates["bare"], strict=True)]
    ceiling = [a / b for a, b in zip(rates["splice"], rates["bare"], strict=True)]
    found = {
        "worker / bare": Figure(ratios, "×", "higher", 1.3),
        "splice / bare": Figure(ceiling, "×"),
        "worker, slowest second / mean": Figure(of("worker", lambda w: w.slowest), "×", "higher"),
        "bare, slowest second / mean": Figure(of("bare", lambda w: w.slowest), "×"),
        "worker, peak memory": Figure(of("worker", lambda w: w.peak_mb), "MiB", "lower"),
    }
    for name in windows:
        better = "higher" if name == "worker" else None
        found[f"{name}, rate"] = Figure(rates[name], "events/s", better)
        better = "lower" if name == "worker" else None
        found[f"{name}, CPU"] = Figure(of(name, lambda w: w.cpu_us), "µs/event", better)
    return found
