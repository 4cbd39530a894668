"""A real Apache Kafka, one node in KRaft mode, without Docker: its jars from Maven Central.

The jars (45 MB) are fetched once and kept in the user's cache folder.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from uuid import uuid4

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from tests.servers import maven
from worker.embedded import guardian
from worker.embedded.triton import hold_port

VERSION = "4.1.0"
DEPENDENCIES = (f"org.apache.kafka:kafka_2.13:{VERSION}", "org.slf4j:slf4j-simple:1.7.36")
JAVA = (
    *("java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"),
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)
USER, PASSWORD = "worker", "secret"
LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
PARTITIONS = 4
START_S, STOP_S, FETCH_S = 60.0, 20.0, 300.0


class KafkaError(RuntimeError):
    """The broker could not be started; the message ends with its last output."""


def unavailable() -> str | None:
    """Why a real Kafka cannot run here; None if it can."""
    for program, remedy in (("java", "Java 17 or newer"), ("mvn", "Maven")):
        if shutil.which(program) is None:
            return f"a real Kafka needs {remedy}: `{program}` is not on the PATH"
    output = subprocess.run(["java", "-version"], capture_output=True, text=True).stderr
    version = re.search(r'version "(\d+)', output)
    if version is None or int(version[1]) < 17:
        return f"a real Kafka needs Java 17 or newer, found: {output.splitlines()[:1]}"
    return None


def fetch() -> Path:
    """The folder of jars, filled by Maven when it is not there yet.

    Raises:
        MavenError: they could not be fetched.
    """
    return maven.jars(f"kafka-{VERSION}", "".join(map(maven.dependency, DEPENDENCIES)), FETCH_S)


class ApacheKafka:
    """One broker on free loopback ports; its data outlive `stop` and `kill` until `close`.

    Args:
        proxies: loopback ports of proxies: for each there is a listener that sends its clients to
            that port, whatever port they came by.
        properties: the broker's own, over those that all tests share.

    Attributes:
        bootstrap_servers: its address, the same over restarts.
        behind: the listener behind each of `proxies`, in their order.
    """

    def __init__(
        self, proxies: Sequence[int] = (), properties: Mapping[str, object] | None = None
    ) -> None:
        self._held: list[socket.socket] = []
        self._port, self._controller_port, self._guarded_port, *behind = self._ports(
            3 + len(proxies)
        )
        self.bootstrap_servers = f"127.0.0.1:{self._port}"
        self.guarded = f"127.0.0.1:{self._guarded_port}"
        self.behind = [f"127.0.0.1:{port}" for port in behind]
        self._proxies, self._extra = list(proxies), dict(properties or {})
        self._folder = Path(tempfile.mkdtemp(prefix="query-worker-kafka-"))
        self._log = self._folder / "kafka.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the broker, formatted at the first time, and wait until it answers."""
        properties = self._folder / "server.properties"
        if not properties.exists():
            properties.write_text(self._properties())
            self._java("kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", properties)
        command = self._command("kafka.Kafka", properties)
        guard = (sys.executable, "-I", "-S", guardian.__file__, "", str(self._folder))
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [*guard, *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._wait(self._answers, START_S, "start")

    def stop(self) -> None:
        """End it in good order, as an operator would."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: as a machine that loses its power."""
        self._signal(signal.SIGKILL)

    def close(self) -> None:
        """Kill it and remove its data."""
        if self._process and self._process.poll() is None:
            self._process.stdin.close()
            self._process.wait(STOP_S)
        for held in self._held:
            held.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        """The broker's own process; of one that runs."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return int(children.read_text().split()[0])

    def create(
        self, *topics: str, partitions: int = PARTITIONS, config: dict[str, str] | None = None
    ) -> None:
        """Create topics, of one configuration, and wait until the broker knows them."""
        wanted = [NewTopic(topic, partitions, 1, config=config or {}) for topic in topics]
        admin = self._admin()  # must live until all is done
        for done in admin.create_topics(wanted, operation_timeout=STOP_S).values():
            done.result(STOP_S)

    def allow(self, kind: ResourceType, name: str, operation: AclOperation) -> None:
        """Let the user of `guarded` do this; at first it may do nothing."""
        pattern, allow = ResourcePatternType.LITERAL, AclPermissionType.ALLOW
        rule = AclBinding(kind, name, pattern, f"User:{USER}", "*", operation, allow)
        admin = self._admin()
        for done in admin.create_acls([rule]).values():
            done.result(STOP_S)

    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 0})

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise KafkaError(f"Kafka ended while starting:\n{self._tail()}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self._port)):
                return False
        try:
            return bool(self._admin().list_topics(timeout=5).brokers)
        except KafkaException:
            return False

    def _ports(self, count: int) -> list[int]:
        """Free ports, held to the end: while the broker is away nobody else gets them."""
        held = [hold_port() for _ in range(count)]
        self._held += held
        return [one.getsockname()[1] for one in held]

    def _signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)
        self._wait(lambda: self._process.poll() is not None, STOP_S, "end")

    def _wait(self, condition: Callable[[], bool], limit_s: float, what: str) -> None:
        deadline = time.monotonic() + limit_s
        while not condition():
            if time.monotonic() > deadline:
                raise KafkaError(f"Kafka did not {what} in {limit_s:g} s:\n{self._tail()}")
            time.sleep(0.05)

    def _java(self, *arguments: str | Path) -> None:
        done = subprocess.run(self._command(*arguments), capture_output=True, text=True)
        if done.returncode:
            raise KafkaError(f"{arguments[0]} failed:\n{done.stdout}{done.stderr}")

    def _command(self, *arguments: str | Path) -> list[str]:
        return [*JAVA, "-cp", f"{fetch()}/*", *map(str, arguments)]

    def _tail(self) -> str:
        return self._log.read_text(errors="replace")[-3000:]

    def _properties(self) -> str:
        broker, controller = f"127.0.0.1:{self._port}", f"127.0.0.1:{self._controller_port}"
        names = [f"PROXY{number}" for number in range(len(self._proxies))]
        listeners = "".join(f",{n}://{a}" for n, a in zip(names, self.behind, strict=True))
        advertised = "".join(
            f",{n}://127.0.0.1:{port}" for n, port in zip(names, self._proxies, strict=True)
        )
        protocols = "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,GUARDED:SASL_PLAINTEXT"
        protocols += "".join(f",{name}:PLAINTEXT" for name in names)
        extra = "".join(f"{name}={value}\n" for name, value in self._extra.items())
        return f"""process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{broker},CONTROLLER://{controller},GUARDED://{self.guarded}{listeners}
advertised.listeners=PLAINTEXT://{broker},GUARDED://{self.guarded}{advertised}
listener.security.protocol.map={protocols}
sasl.enabled.mechanisms=PLAIN
listener.name.guarded.plain.sasl.jaas.config={LOGIN} required user_{USER}="{PASSWORD}";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
log.dirs={self._folder}/data
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
num.partitions={PARTITIONS}
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
group.initial.rebalance.delay.ms=0
group.consumer.session.timeout.ms=6000
group.consumer.min.session.timeout.ms=6000
group.consumer.heartbeat.interval.ms=1000
group.consumer.min.heartbeat.interval.ms=1000
{extra}"""


def _cluster_id() -> str:
    """22 characters of URL-safe base64, as StorageTool's random-uuid gives."""
    return uuid4().hex[:21] + "A"
