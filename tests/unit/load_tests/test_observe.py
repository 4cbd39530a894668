"""What a window of samples says."""

import os

import pytest

from load_tests.observe import SAMPLE_S, Sample, Use, Window, use, watch


def window(*rates: int) -> Window:
    """Seconds of these rates, at 2 µs of CPU an event, memory rising by 1 MiB a sample."""
    at, events, samples = 10.0, 500, []
    for rate in rates:
        for _ in range(round(1 / SAMPLE_S)):
            count = len(samples)
            samples.append(Sample(at, events, Use(events * 2e-6, 50 + count, 90 + count)))
            at, events = at + SAMPLE_S, events + round(rate * SAMPLE_S)
    samples.append(Sample(at, events, Use(events * 2e-6, 200.0, 210.0)))
    return Window(samples)


def test_rate_and_cpu_are_of_the_whole_window():
    seen = window(1000, 3000, 2000)
    assert seen.seconds == 3
    assert seen.rate == 2000
    assert seen.cpu_us == pytest.approx(2)
    assert seen.cpu_share == pytest.approx(0.004)
    assert seen.peak_mb == 210


def test_the_slowest_second_is_a_share_of_the_mean():
    seen = window(1000, 3000, 2000)
    assert seen.by_second() == [(1, 1000), (2, 3000), (3, 2000)]
    assert seen.slowest == 0.5


def test_memory_is_told_by_seconds_from_the_first_sample():
    assert window(1000).memory() == [(0, 50), (0.25, 51), (0.5, 52), (0.75, 53), (1, 200)]


def test_a_backlog_that_ends_too_soon_gives_no_figure():
    with pytest.raises(RuntimeError, match="raise --scale"):
        watch(os.getpid(), lambda: 100, seconds=5, total=100)


def test_a_process_uses_memory_and_time():
    mine = use(os.getpid())
    assert mine.cpu_s > 0
    assert 1 < mine.rss_mb <= mine.peak_mb
