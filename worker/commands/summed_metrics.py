"""Sums up the metrics of several processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from prometheus_client import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from worker.stream.counts import Totals

SUMMED = ("counter", "histogram")
Key = tuple[str, tuple[tuple[str, str], ...]]  # name, labels


class _Families(dict[str, Metric]):
    def collect(self) -> list[Metric]:
        return list(self.values())


def add_up(current: Mapping[str, str], ended: Sequence[str] = ()) -> str:
    """Counters and histograms summed, gauges with a label `process`; Prometheus text.

    Args:
        current: process → its metrics.
        ended: those of processes that ended; their gauges are left out.
    """
    families = _Families()
    sums: dict[Key, float] = {}
    sources = [*(("", text) for text in ended), *current.items()]
    for process, text in sources:
        for family in text_string_to_metric_families(text):
            summed = family.type in SUMMED
            if not (summed or process):
                continue
            name, about = family.name, family.documentation
            total = families.setdefault(name, Metric(name, about, family.type))
            for sample in family.samples:
                if not summed:
                    labels = {**sample.labels, "process": process}
                    total.add_sample(sample.name, labels, sample.value)
                    continue
                key = _key(sample)
                if key not in sums:
                    total.add_sample(*sample[:3])
                sums[key] = sums.get(key, 0.0) + sample.value
    for family in families.values():
        if family.type in SUMMED:
            family.samples = [item._replace(value=sums[_key(item)]) for item in family.samples]
    return generate_latest(families).decode()


def summary(text: str) -> str:
    """The totals of all workers, worded as those of one."""
    families = text_string_to_metric_families(text)
    values = {_key(sample): int(sample.value) for family in families for sample in family.samples}

    def events(*statuses: str) -> int:
        name = "query_worker_events_total"
        return sum(values.get((name, (("status", status),)), 0) for status in statuses)

    return str(
        Totals(
            consumed=values.get(("query_worker_records_consumed_total", ()), 0),
            published=events("complete", "degraded"),
            dead_lettered=events("dead_lettered"),
            skipped=events("skipped"),
        )
    )


def _key(sample: Sample) -> Key:
    return sample.name, tuple(sorted(sample.labels.items()))
