"""The Dockerfiles: clean by hadolint, made of files that exist, without what they must not hold."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.program import run
from tests.servers.certificates import Authority
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


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(("alive", "code"), [(True, 0), (False, 1)])
def test_the_health_check_follows_livez(alive, code, tls, tmp_path):
    program, *arguments = json.loads(re.search(r"^ +CMD (.+)$", WORKER, re.MULTILINE)[1])
    assert program == "query-worker"

    async def metrics() -> bytes:
        return b""

    async def health() -> Health:
        return Health(alive)

    given = {}
    if tls:
        pair = Authority(tmp_path, "ours").issue("worker", host="elsewhere.example")
        given = {"tls_certificate": str(pair.certificate), "tls_key": str(pair.key)}
    server = HttpServer(Server(port=0, **given), metrics, health, health)
    server.start()
    try:
        given["port"] = server.url.rpartition(":")[2]
        names = {f"QUERY_WORKER_SERVER__{name.upper()}": text for name, text in given.items()}
        done = subprocess.run(
            [sys.executable, "-m", "worker", *arguments],
            env=os.environ | names,
            capture_output=True,
            text=True,
        )
        file = tmp_path / "worker.toml"
        lines = (f'{name} = "{text}"' for name, text in given.items())
        file.write_text("\n".join(["[server]", *lines]))
        assert run("health", "-c", str(file)).returncode == code
    finally:
        server.stop()
    assert done.returncode == code, done.stderr
    gone = run("health", "-c", str(file))
    assert gone.returncode == 1 and "no worker answers at 127.0.0.1:" in gone.stderr
