"""The Grafana dashboard: well formed, readable, and on metrics that exist."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest
import yaml

from tests.unit.deploy.promtool import promtool, unknown_metrics

GRAFANA = Path(__file__).parents[3] / "deploy" / "grafana"
DASHBOARD = json.loads((GRAFANA / "dashboards" / "dashboard.json").read_text(encoding="utf-8"))
PANELS = DASHBOARD["panels"]
GRAPHS = [panel for panel in PANELS if panel["type"] != "row"]
TARGETS = [(panel["title"], target) for panel in GRAPHS for target in panel["targets"]]
EXPRESSIONS = [target["expr"] for _, target in TARGETS]
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

each_graph = pytest.mark.parametrize("panel", GRAPHS, ids=lambda panel: panel["title"])


def test_it_has_the_rows_and_variables_that_operators_look_for():
    rows = [panel["title"] for panel in PANELS if panel["type"] == "row"]
    assert rows == ["Stream", "Latency", "Models", "Understanding", "Health"]
    variables = [variable["name"] for variable in DASHBOARD["templating"]["list"]]
    assert variables == ["datasource", "job", "instance"]


@each_graph
def test_a_panel_has_title_description_unit_and_the_chosen_data_source(panel):
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == DATASOURCE
    assert all(target["datasource"] == DATASOURCE for target in panel["targets"])


def test_panels_have_ids_and_titles_of_their_own():
    for key in ("id", "title"):
        values = [panel[key] for panel in PANELS]
        assert len(set(values)) == len(values)


def test_panels_lie_on_the_grid_without_overlapping():
    def cells(panel):
        x, y, w, h = (panel["gridPos"][key] for key in "xywh")
        assert x >= 0 and x + w <= 24
        return set(itertools.product(range(x, x + w), range(y, y + h)))

    taken = [cell for panel in PANELS for cell in cells(panel)]
    assert len(set(taken)) == len(taken)


@pytest.mark.parametrize(("title", "target"), TARGETS, ids=[title for title, _ in TARGETS])
def test_a_query_uses_metrics_that_exist_and_labels_that_it_keeps(title, target):
    expression = target["expr"]
    assert unknown_metrics(expression) == set()
    kept = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", expression))))
    shown = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
    if kept:  # a query without aggregation keeps every label
        assert shown <= kept
    if "query_worker_" in expression:
        assert 'job=~"$job"' in expression and 'instance=~"$instance"' in expression


def test_prometheus_can_read_every_query(tmp_path):
    rules = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "1m")}
        for number, expression in enumerate(EXPRESSIONS)
    ]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", file)


def test_grafana_is_given_the_dashboard_and_its_data_source():
    compose = yaml.safe_load((GRAFANA.parent / "compose.yaml").read_text())["services"]
    mounts = dict(volume.split(":")[:2] for volume in compose["grafana"]["volumes"])
    provisioning = GRAFANA / "provisioning"
    (provider,) = yaml.safe_load((provisioning / "dashboards/dashboards.yaml").read_text())[
        "providers"
    ]
    assert mounts["./grafana/dashboards"] == provider["options"]["path"]
    home = compose["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == provider["options"]["path"] + "/dashboard.json"
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yaml").read_text())[
        "datasources"
    ]
    assert source["type"] == DATASOURCE["type"] and source["url"] == "http://prometheus:9090"
