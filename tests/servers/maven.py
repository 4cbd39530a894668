"""Jars from Maven Central, fetched once and kept in the user's cache folder."""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "query-worker-tests"
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
HEAD = """<modelVersion>4.0.0</modelVersion>
<groupId>tests</groupId><artifactId>jars</artifactId><version>1</version>
<packaging>pom</packaging>"""


class MavenError(RuntimeError):
    """Jars could not be fetched; the message ends with Maven's last output."""


def dependency(coordinates: str, more: str = "") -> str:
    """The element of a pom.xml for "group:artifact:version"; `more` stands in it as well."""
    group, artifact, version = coordinates.split(":")
    names = f"<groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
    return f"<dependency>{names}<version>{version}</version>{more}</dependency>"


def jars(name: str, dependencies: str, limit_s: float) -> Path:
    """The folder of jars of that name, filled by Maven when it is not there yet.

    Args:
        dependencies: elements of a pom.xml.

    Raises:
        MavenError: they could not be fetched.
        subprocess.TimeoutExpired: not in this time.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = CACHE / name
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run side by side, and Maven's store takes one
        if not folder.is_dir():
            _fetch(folder, dependencies, limit_s)
    return folder


def _fetch(folder: Path, dependencies: str, limit_s: float) -> None:
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        pom, fetched = Path(scratch) / "pom.xml", Path(scratch) / "jars"
        pom.write_text(f"<project>{HEAD}<dependencies>{dependencies}</dependencies></project>")
        goal = [f"{PLUGIN}:copy-dependencies", "-DincludeScope=runtime"]
        done = subprocess.run(
            ["mvn", "-q", "-B", "-f", pom, *goal, f"-DoutputDirectory={fetched}"],
            capture_output=True,
            text=True,
            timeout=limit_s,
        )
        if done.returncode:
            raise MavenError(f"Maven could not fetch {folder.name}:\n{done.stdout[-2000:]}")
        fetched.rename(folder)
