"""Prometheus: its configuration and the alerts, by promtool and against the worker's metrics."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.unit.deploy.promtool import promtool, unknown_metrics
from worker.config.settings import Settings

DEPLOY = Path(__file__).parents[3] / "deploy"
FOLDER = DEPLOY / "prometheus"
GROUPS = yaml.safe_load((FOLDER / "rules.yaml").read_text())["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]


def test_the_configuration_and_its_rules_are_valid():
    promtool("check", "config", FOLDER / "prometheus.yaml")


def test_the_alerts_fire_when_they_should():
    promtool("test", "rules", FOLDER / "rules_test.yaml")


def test_every_alert_has_an_example():
    examples = (FOLDER / "rules_test.yaml").read_text()
    assert [rule["alert"] for rule in RULES if rule["alert"] not in examples] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_uses_metrics_that_exist_and_says_what_to_do(rule):
    assert unknown_metrics(rule["expr"]) == set()
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert rule["annotations"].keys() == {"summary", "description"}


def test_the_targets_are_services_of_the_compose_file():
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    jobs = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())["scrape_configs"]
    worker, triton = (job for job in jobs)
    (discovery,) = worker["dns_sd_configs"]
    assert discovery["names"] == ["worker"]
    assert discovery["port"] == Settings().server.port
    assert triton["static_configs"][0]["targets"] == ["triton:8002"]
    assert {"worker", "triton"} <= services.keys()
