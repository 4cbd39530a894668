"""The compose files: valid, pinned, on loopback, and in step with the worker's settings."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from worker.config.load import load_settings

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
BASE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
TENSORRT = yaml.safe_load((DEPLOY / "compose.tensorrt.yaml").read_text())["services"]
EVERY = [*BASE.items(), *TENSORRT.items()]
ENTRYPOINTS = {
    "query-worker:local": ["python", "-m", "worker"],
    "query-worker-compile:local": ["python", "-m", "triton_models"],
}


def names(items):
    return [name for name, _ in items]


def argv(name: str, service: dict) -> list[str]:
    """The command that a service of ours runs, `query-worker` as its module."""
    image = service.get("image") or BASE[name]["image"]
    entrypoint = service.get("entrypoint") or BASE.get(name, {}).get("entrypoint")
    return [*(entrypoint or ENTRYPOINTS[image]), *service.get("command", ["run"])]


OURS = [
    (name, argv(name, service))
    for name, service in EVERY
    if (service.get("image") or BASE[name]["image"]) in ENTRYPOINTS
]


@pytest.mark.parametrize("file", sorted(DEPLOY.glob("compose*.yaml")), ids=lambda file: file.name)
def test_the_file_is_valid_by_the_compose_specification(file):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("name", "service"), EVERY, ids=names(EVERY))
def test_images_are_pinned_or_built_here(name, service):
    image = service.get("image") or BASE[name]["image"]
    if image.endswith(":local"):
        builders = [other for _, other in EVERY if "build" in other and other["image"] == image]
        assert len(builders) == 1  # two builds of one tag at once can clash
    else:
        assert re.search(r":v?\d+\.\d+(\.\d+)?(-py3)?$", image), image


def test_plans_are_compiled_on_the_release_that_serves_them():
    compile_image = (DEPLOY / "compile.Dockerfile").read_text()
    built_on = re.search(r"^FROM nvcr\.io/nvidia/tensorrt:(\S+)$", compile_image, re.MULTILINE)
    assert TENSORRT["triton"]["image"] == f"nvcr.io/nvidia/tritonserver:{built_on[1]}"


@pytest.mark.parametrize(("name", "service"), EVERY, ids=names(EVERY))
def test_ports_are_published_on_loopback_only(name, service):
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


@pytest.mark.parametrize("name", ["worker", "queries", "repository"])
def test_our_containers_are_hardened(name):
    service = BASE[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_the_worker_is_configured_with_real_settings_that_fit_the_other_services():
    settings = load_settings(environment=BASE["worker"]["environment"])
    advertised = BASE["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert f"INTERNAL://{settings.kafka.bootstrap_servers}," in advertised
    assert settings.inference.url == "triton:8001"
    assert settings.server.host == "0.0.0.0"
    assert BASE["worker"]["ports"][0].endswith(f":{settings.server.port}")


def test_the_worker_may_drain_before_it_is_killed():
    settings = load_settings(environment=BASE["worker"]["environment"])
    grace = BASE["worker"]["stop_grace_period"]
    assert int(grace.removesuffix("s")) > settings.lifecycle.shutdown_timeout_s


def test_the_topics_that_the_worker_uses_are_created():
    kafka = load_settings(environment=BASE["worker"]["environment"]).kafka
    created = set(re.findall(r"^create (\S+)", BASE["topics"]["command"][0], re.MULTILINE))
    assert created == {kafka.input_topic, kafka.output_topic, kafka.dead_letter_topic}


def test_triton_loads_the_repository_that_is_written_below_the_mount():
    for service in (BASE["repository"], TENSORRT["repository"]):
        out = service["command"][service["command"].index("--out") + 1]
        # The writer renames a whole folder into place, which a mount point itself forbids.
        assert Path(out).parent == Path("/repository")
        assert f"--model-repository={out}" in BASE["triton"]["command"]


@pytest.mark.parametrize(("name", "command"), OURS, ids=names(OURS))
def test_every_command_and_flag_exists(name, command):
    start = list(itertools.takewhile(lambda word: not word.startswith("--"), command))
    flags = [word for word in command if word.startswith("--")]
    done = subprocess.run(
        [sys.executable, *start[1:], "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert [flag for flag in flags if flag not in done.stdout] == []
