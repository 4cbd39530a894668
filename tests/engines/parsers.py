"""The query parsers of the search engines themselves, from Maven Central: 120 MB, fetched once.

Elasticsearch and Vespa parse without a server; Solr runs in process and searches DOCUMENTS.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.servers.maven import dependency, jars

HERE = Path(__file__).parent
FETCH_S, STOP_S = 600.0, 10.0
VESPA = "8.697.20"
# Of Vespa only what parses: each artifact without those that it depends on.
ALONE = (
    "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"
)
VESPA_PARTS = (
    *("container-search", "container-disc", "linguistics", "component", "jdisc_core"),
    *("vespajlib", "searchlib", "config", "hosted-zone-api"),
)
OTHERS = (
    "org.antlr:antlr4-runtime:4.13.2",
    "com.fasterxml.jackson.core:jackson-databind:2.21.3",
    "com.fasterxml.jackson.core:jackson-core:2.21.3",
    "com.fasterxml.jackson.core:jackson-annotations:2.21",
    "com.google.guava:guava:33.4.0-jre",
    "com.google.inject:guice:6.0.0",
)
DOCUMENTS = (
    {"id": "nike", "title": "Red running shoes", "brand": "nike", "price": 40},
    {"id": "adidas", "title": "Running sneakers", "brand": "adidas", "color": "red", "price": 45},
    {"id": "dear", "title": "Red running shoes", "brand": "brooks", "price": 140},
    {"id": "suede", "title": "Suede boots", "material": "suede", "price": 80},
    {"id": "no suede", "title": "Suede free boots", "material": "canvas", "price": 80},
)


def unavailable() -> str | None:
    """Why the parsers cannot run here; None if they can."""
    for program, remedy in (("javac", "a JDK, 17 or newer"), ("mvn", "Maven")):
        if shutil.which(program) is None:
            return f"the engines' parsers need {remedy}: `{program}` is not on the PATH"
    return None


class Parsed(NamedTuple):
    """What an engine makes of a request.

    Attributes:
        error: why it refuses it, None if it does not.
        query: its own form of the query.
        found: ids of DOCUMENTS, of Solr only.
    """

    error: str | None
    query: str
    found: frozenset[str]


class Engine:
    """The parser of one engine: a program in this folder that answers lines, until `close`.

    Args:
        name: of its file and class.
        version: in the name of the folder of its jars.
        dependencies: elements of its pom.xml.
    """

    def __init__(self, name: str, version: str, dependencies: str) -> None:
        self.name = name
        self._scratch = tempfile.TemporaryDirectory()
        scratch = Path(self._scratch.name)
        folder = jars(f"{name.lower()}-{version}", dependencies, FETCH_S)
        classpath = f"{scratch}:{folder}/*"
        sources = [HERE / "Lines.java", HERE / f"{name}.java"]
        subprocess.run(["javac", "-nowarn", "-d", scratch, "-cp", classpath, *sources], check=True)
        program = ["java", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-cp", classpath, name]
        program += _solr_home(scratch) if name == "Solr" else []
        self._log = (scratch / "log").open("w+")
        self._process = subprocess.Popen(
            program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log
        )

    def parse(self, requests: Sequence[bytes]) -> list[Parsed]:
        """What it makes of each request, a JSON body.

        Raises:
            RuntimeError: the program ended; the message ends with its last error.
        """
        return [self._answer(request) for request in requests]

    def _answer(self, request: bytes) -> Parsed:
        self._process.stdin.write(request + b"\n")
        self._process.stdin.flush()
        for answer in iter(self._process.stdout.readline, b""):
            if answer.startswith((b"ok\t", b"error\t")):  # not a line of the engine's log
                break
        else:
            self._log.seek(0)
            raise RuntimeError(f"{self.name} ended: {self._log.read()[-2000:]}")
        return _parsed(answer.decode().rstrip("\n"))

    def close(self) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._process.stdout.close()
        self._log.close()
        self._scratch.cleanup()


def _parsed(answer: str) -> Parsed:
    outcome, _, told = answer.partition("\t")
    if outcome == "error":
        return Parsed(told, "", frozenset())
    found, tab, query = told.rpartition("\t")
    return Parsed(None, query, frozenset(found.split(",")) - {""} if tab else frozenset())


def _solr_home(scratch: Path) -> list[str]:
    home = scratch / "solr"
    shutil.copytree(HERE / "solr", home / "products" / "conf")
    (home / "solr.xml").write_text("<solr/>")
    (home / "products" / "core.properties").write_text("name=products")
    documents = scratch / "documents.jsonl"
    documents.write_text("".join(json.dumps(document) + "\n" for document in DOCUMENTS))
    return [str(home), str(documents)]


_VESPA = (*(f"com.yahoo.vespa:{part}:{VESPA}" for part in VESPA_PARTS), *OTHERS)
# By the name that `--render` has: program, version, dependencies.
ENGINES = {
    "elasticsearch": (
        *("Elasticsearch", "8.15.3"),
        dependency("org.elasticsearch:elasticsearch:8.15.3"),
    ),
    "solr": ("Solr", "9.7.0", dependency("org.apache.solr:solr-core:9.7.0")),
    "vespa": ("Vespa", VESPA, "".join(dependency(one, ALONE) for one in _VESPA)),
}
