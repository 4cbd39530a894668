"""The Dockerfiles: clean by hadolint, made of files that exist, without what they must not hold."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from worker.config.settings import Server
from worker.server.http import Health, HttpServer

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
DOCKERFILES = sorted(DEPLOY.glob("*.Dockerfile"))
WORKER = (DEPLOY / "worker.Dockerfile").read_text()

each_dockerfile = pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.name)


@each_dockerfile
def test_hadolint_finds_nothing(file):
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, "--no-color", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@each_dockerfile
def test_what_is_copied_exists_and_is_not_ignored(file):
    ignore = file.with_name(file.name + ".dockerignore").read_text().splitlines()
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", file.read_text(), re.MULTILINE)
    sources = [source for line in copies for source in line.split()]
    assert sources
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert ignore[0] == "*"
    assert [source for source in sources if f"!{source}" not in ignore] == []


def test_the_worker_runs_as_a_user_without_rights():
    last_stage = WORKER.split("\nFROM ")[-1]
    assert re.findall(r"^USER (.+)$", last_stage, re.MULTILINE) == ["10001:10001"]


def test_the_worker_needs_neither_torch_nor_the_triton_binary():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    heavy = ("torch", "transformers", "nvidia-pytriton")
    assert [item for item in project["dependencies"] if item.lower().startswith(heavy)] == []


@pytest.mark.parametrize(("alive", "code"), [(True, 0), (False, 1)])
def test_the_health_check_follows_livez(alive, code):
    words = shlex.split(re.search(r"CMD \[(\"python\".+)\]$", WORKER, re.MULTILINE)[1])
    flag, script = (word.rstrip(",") for word in words[1:])

    async def metrics() -> bytes:
        return b""

    async def health() -> Health:
        return Health(alive)

    server = HttpServer(Server(port=0), metrics, health, health)
    server.start()
    try:
        port = {"QUERY_WORKER_SERVER__PORT": server.url.rpartition(":")[2]}
        done = subprocess.run(
            [sys.executable, flag, script], env=os.environ | port, capture_output=True, text=True
        )
    finally:
        server.stop()
    assert done.returncode == code, done.stderr
