"""All queries different, and Zipf from a cold start: the worker and its models."""

from __future__ import annotations

import time

import numpy as np

from load_tests.bench import Bench, fill
from load_tests.figures import Chart, Figure, Result
from load_tests.flame import flame
from load_tests.observe import Window
from load_tests.queries import ZIPF_EXPONENT, asked
from load_tests.scenarios.common import settle, uncached, window
from load_tests.subjects import Subject
from load_tests.triton import closed_loop, serve
from triton_models.contract import load_all

RECORDED, STARTER_BACKLOG = 1000, 40_000  # queries
ZIPF_EVENTS, ZIPF_DIFFERENT, ZIPF_FIRST = 20_000, 10_000, 1_200_000
ZIPF_S = 900.0


def nothing(bench: Bench) -> Result:
    """All different, do-nothing models: the worker's own CPU an event."""
    backlog = bench.distinct()
    bench.triton(serve.NOTHING)
    windows: list[Window] = []
    pairs: list[float] = []
    for number in range(bench.rounds):
        with bench.worker(backlog.topic) as subject:
            settle(bench, subject)
            before = _rows(subject)
            with flame(bench, subject, f"distinct-{number}"):
                windows.append(window(bench, backlog, subject))
            queries, scored = _rows(subject) - before
            pairs.append(scored / queries)
    figures = {
        "worker, CPU": Figure([w.cpu_us for w in windows], "µs/event", "lower", 150),
        "worker, rate": Figure([w.rate for w in windows], "events/s", "higher"),
        "worker, peak memory": Figure([w.peak_mb for w in windows], "MiB", "lower"),
        "pairs scored": Figure(pairs, "pairs/event"),
    }
    chart = Chart("All different", "seconds", "events/s", {"worker": windows[-1].by_second()})
    return Result("All queries different, do-nothing models", figures, [chart])


def _rows(subject: Subject) -> np.ndarray:
    """Rows that the worker has sent to the intent model and to the matching model."""
    models = "intent", "matching"
    return np.array([subject.metric("model_batch_rows_sum", model=model) for model in models])


def starter(bench: Bench) -> Result:
    """All different, starter models: events/s against Triton alone on the same rows."""
    rows = recorded(bench)
    backlog = bench.backlog("distinct", bench.scaled(STARTER_BACKLOG, least=4000))
    triton = bench.triton(serve.STARTER)
    client = closed_loop.best(triton.grpc_url, rows)
    alone, windows = [], []
    for _ in range(bench.rounds):
        alone.append(closed_loop.rate(triton.grpc_url, rows, client, bench.window_s))
        with bench.worker(backlog.topic) as subject:
            windows.append(uncached(bench, backlog, subject))
    rates = [window.rate for window in windows]
    ratios = [a / b for a, b in zip(rates, alone, strict=True)]
    figures = {
        "worker / Triton alone": Figure(ratios, "×", "higher", 0.95),
        "worker, rate": Figure(rates, "events/s", "higher"),
        "Triton alone, rate": Figure(alone, "events/s"),
        "worker, CPU": Figure([w.cpu_us for w in windows], "µs/event", "lower"),
    }
    return Result("All queries different, starter models", figures, notes=[_client(client, rows)])


def zipf(bench: Bench) -> Result:
    """Zipf over 10,000 queries, cold start, against the bound of hit rate and Triton's rate."""
    count = bench.scaled(ZIPF_EVENTS)
    queries = asked("zipf", count, ZIPF_DIFFERENT).tolist()
    different = len(set(queries))
    rows = recorded(bench)
    triton = bench.triton(serve.STARTER)
    client = closed_loop.best(triton.grpc_url, rows)
    rates, ratios, alone = [], [], []
    for _ in range(bench.rounds):
        alone.append(closed_loop.rate(triton.grpc_url, rows, client, bench.window_s))
        topic = bench.topic()
        with bench.worker(topic) as subject:
            subject.until_ready()
            began = time.monotonic()
            fill(bench.kafka.bootstrap_servers, topic, queries, ZIPF_FIRST)
            subject.until_out(count, ZIPF_S)
            took = time.monotonic() - began
        rates.append(count / took)
        ratios.append(different / alone[-1] / took)
    figures = {
        "worker / bound": Figure(ratios, "×", "higher", 0.90),
        "worker, rate": Figure(rates, "events/s", "higher"),
        "bound": Figure([count / different * rate for rate in alone], "events/s"),
    }
    notes = [
        f"{count:,} events, exponent {ZIPF_EXPONENT}, over {ZIPF_DIFFERENT:,} queries, of which"
        f" {different:,} occur: at best {1 - different / count:.0%} come from the cache",
        _client(client, rows),
    ]
    return Result("Zipf, cold start, starter models", figures, notes=notes)


def recorded(bench: Bench) -> closed_loop.Rows:
    """The rows that the worker sends to the starter models; once in a run."""
    return bench.once("recorded rows", lambda: _record(bench))


def _record(bench: Bench) -> closed_loop.Rows:
    count = bench.scaled(RECORDED, least=200)
    backlog = bench.backlog("distinct", count)
    triton = bench.triton(serve.RECORDING)
    with bench.worker(backlog.topic) as subject:
        subject.until_out(count, ZIPF_S)
    names = [contract.name for contract in load_all(serve.STARTER_MODELS)]
    return closed_loop.Rows(count, {name: triton.rows(name) for name in names})


def _client(client: closed_loop.Client, rows: closed_loop.Rows) -> str:
    pairs = len(rows.by_model["matching"]) / rows.queries
    tokens = np.mean([len(row) for row in rows.by_model["matching"]])
    return (
        f"Triton alone: {client.in_flight} requests of up to {client.batch} rows in flight, the"
        f" fastest of the sizes tried; a query needs {pairs:.1f} pairs of {tokens:.1f} tokens"
    )
