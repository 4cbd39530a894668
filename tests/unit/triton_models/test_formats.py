"""docs/models.md shows files that are read as it says."""

import re
from pathlib import Path

from triton_models.evaluation import dev, report_text, statistics
from triton_models.kinds.intent import examples
from triton_models.kinds.tagging import data
from triton_models.settings import LABELS

PAGE = (Path(__file__).parents[3] / "docs" / "models.md").read_text(encoding="utf-8")


def test_every_example_is_read(tmp_path):
    readers = (
        lambda path: dev.labelled_queries(path, LABELS),
        lambda path: examples.read(str(path)),
        data.read,
        dev.judged_pairs,
        dev.judged_queries,
    )
    shown = re.findall(r"```jsonl\n(.*?)```", PAGE, re.S)
    for read, example in zip(readers, shown, strict=True):
        path = tmp_path / "example.jsonl"
        path.write_text(example)
        assert len(read(path)) == 2


def test_every_section_of_a_report_is_explained():
    made = {"confusion": "Confusions", "labels": "By label", "latency_ms": "Latency"}
    made |= {"curve": "Precision and recall", "errors": "Typical errors"}
    told = re.search(r"## Reading a report\n(.*?)\n## ", PAGE, re.S)[1]
    for name in report_text.SECTIONS:
        assert made.get(name, name.replace("_", " ").capitalize()) in told, name
    assert "1,000 bootstrap" in told and statistics.SAMPLES == 1000
