"""A run as Markdown and pictures."""

import xml.etree.ElementTree as ElementTree

import pytest

from load_tests.charts import svg, ticks
from load_tests.figures import Chart, Figure, Result
from load_tests.report import markdown, write

AROUND = {
    "date": "2026-01-02T03:04+00:00",
    "machine": {"cores": 2, "processor": "some", "memory_gib": 8, "system": "Linux"},
    "load_average": 0.1,
    "versions": {"worker": "0.1.0", "kafka": "4.1.0"},
    "settings": {"scale": 0.1, "rounds": 3, "window_s": 4.0, "partitions": 8},
}
CHART = Chart("A < B", "seconds", "events/s", {"worker": [(0, 0), (1, 1234)], "bare": [(1, 10)]})
RESULT = Result(
    "Every query cached",
    {
        "worker / bare": Figure([1.2, 1.3, 1.5], "×", "higher", 1.3),
        "CPU": Figure([7.0], "µs/event", "lower", 6),
        "rate": Figure([12345.6], "events/s"),
    },
    [CHART],
    ["4,000 queries"],
)


def test_the_page_has_figures_targets_and_what_was_not_run():
    page = markdown(
        AROUND, {"cached": RESULT}, {"processes": "no --processes"}, {"cached": "c.svg"}
    )
    assert "| worker / bare | 1.3 × | 23% | ≥ 1.3: reached |" in page
    assert "| CPU | 7 µs/event |  | ≤ 6: **missed** |" in page
    assert "| rate | 12,346 events/s |  |  |" in page
    assert "- 4,000 queries" in page
    assert "![Every query cached](c.svg)" in page
    assert "- `processes`: no --processes" in page
    assert "Scale 0.1, 3 rounds" in page and "kafka 4.1.0" in page


def test_a_run_is_written_as_markdown_json_and_pictures(tmp_path):
    page = write(tmp_path, AROUND, {"cached": RESULT}, {})
    names = ["2026-01-02-cached.svg", "2026-01-02.json", "2026-01-02.md"]
    assert sorted(file.name for file in tmp_path.iterdir()) == names
    assert page == tmp_path / "2026-01-02.md"


def test_a_chart_is_svg_with_a_line_for_each_name():
    root = ElementTree.fromstring(svg(CHART))
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"A < B", "seconds", "events/s", "worker", "bare"} <= set(texts)
    assert len(list(root.iter("{http://www.w3.org/2000/svg}polyline"))) == 2


def test_a_chart_without_points_is_refused():
    with pytest.raises(ValueError, match="no points"):
        svg(Chart("empty", "x", "y", {"worker": []}))


@pytest.mark.parametrize(
    ("largest", "expected"),
    [
        (1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (15, [0, 5, 10, 15]),
        (1234, [0, 250, 500, 750, 1000, 1250]),
        (100, [0, 20, 40, 60, 80, 100]),
        (0.03, [0, 0.01, 0.02, 0.03]),
        (0, [0, 1]),
    ],
)
def test_ticks_are_round_and_cover_the_largest(largest, expected):
    assert ticks(largest) == pytest.approx(expected)
