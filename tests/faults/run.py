"""One run: start everything, hurt it by the timetable, let it finish, hand over what to judge."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import Message

from tests import stream
from tests.faults import clock, models
from tests.faults.flow import Flow
from tests.faults.inputs import OUTPUT_LIMIT, Inputs
from tests.faults.kinds import DRAIN_S, KINDS, Kind, Plan
from tests.faults.load import Load
from tests.faults.monitor import Monitor
from tests.faults.options import PARTITIONS, Options
from tests.faults.proxy import Network
from tests.faults.scene import Moment, Scene
from tests.faults.timetable import timetable
from tests.faults.workers import Group, Worker
from tests.servers import triton as nvidia
from tests.servers.kafka import ApacheKafka
from tests.stream import Topics
from worker.config.load import load_settings
from worker.config.settings import Settings

RECOVER_S = 60.0  # after that a fault is taken for one that nobody recovers from
START_S = 60.0
CALM_S = 3.0
SILENCE_S = 45.0  # at the end: longer than any session, transaction or pause of a worker

Tell = Callable[[str], None]


@dataclass
class Inflicted:
    """A fault that was, and what came after; of those that overlap nothing is measured.

    Attributes:
        untouched: partitions that had a worker, and that it did not touch.
        recovery_s: moment by moment, until every partition that it touched flowed again; None
            where one did not. Moments that touched none are left out.
        standstill_s: the longest that a partition stood still that it did not touch.
    """

    plan: Plan
    began: float
    over: float = math.inf  # when all flowed again, for good
    moments: list[Moment] = field(default_factory=list)
    untouched: frozenset[int] = frozenset()
    recovery_s: list[float | None] = field(default_factory=list)
    standstill_s: float = 0.0

    @property
    def kind(self) -> Kind:
        return KINDS[self.plan.kind]


@dataclass
class Outcome:
    """What the judgement rests on; the broker still runs, the workers have ended."""

    folder: Path
    bootstrap: str
    topics: Topics
    inputs: Inputs
    settings: Settings  # of the reference
    sent: int
    faults: list[Inflicted]
    exits: list[tuple[float, str]]
    peak_rss_mb: float
    uncommitted: dict[int, int]  # partition → records that were left so after the drain
    arrived: Callable[[Message], float]  # Unix time at which an output or dead letter came


@contextmanager
def running(options: Options, folder: Path, tell: Tell) -> Iterator[Outcome]:
    """Run it; with the broker still up for reading, until the end of the context."""
    with ExitStack() as stack:
        network = Network()
        stack.callback(network.close)
        model_folder, lexicon = models.write(folder)
        topics, inputs = Topics.fresh(), Inputs(options.seed, PARTITIONS)
        flags = options.settings(topics, model_folder, lexicon)
        library = clock.compile(folder) if "clock_jump" in options.kinds else None
        everyone = [
            _worker(network, f"worker-{number}", folder, [*flags, *options.own(number)], library)
            for number in range(options.workers + 1)
        ]
        kafka = _kafka(stack, [worker.kafka.port for worker in everyone], topics)
        triton = stack.enter_context(nvidia.running(model_folder))
        for worker, upstream in zip(everyone, kafka.behind, strict=True):
            worker.kafka.upstream, worker.triton.upstream = upstream, triton.grpc_url
        load = Load(kafka.bootstrap_servers, topics.input, inputs, options.rate)
        flow = Flow(PARTITIONS, inputs.partition, load.due)
        monitor = Monitor(kafka.bootstrap_servers, [topics.output, topics.dead_letters], flow)
        stack.callback(monitor.close)
        group = Group(everyone)
        stack.callback(group.close)
        scene = Scene(
            *(kafka, triton, group, monitor, load, PARTITIONS),
            *(topics.input, options.member(topics.input)),
        )
        tell(f"workers' logs in {folder}")
        monitor.start()
        group.start()
        load.start()
        faults = _hurt(scene, options, tell)
        sent = _finish(scene, load, tell)
        yield Outcome(
            *(folder, kafka.bootstrap_servers, topics, inputs),
            load_settings(None, {}, [*flags, "inference.backend=onnx"]),
            *(sent, faults, group.exits, group.peak_rss_mb),
            *(_uncommitted(kafka.bootstrap_servers, topics), monitor.arrived),
        )


def _worker(
    network: Network, name: str, folder: Path, flags: list[str], library: Path | None
) -> Worker:
    kafka, triton = network.proxy(), network.proxy()
    ways = [f"kafka.bootstrap_servers={kafka.address}", f"inference.url={triton.address}"]
    arguments = [part for item in (*flags, *ways) for part in ("--set", item)]
    own_clock = clock.Clock(library, folder / f"{name}.clock") if library else None
    return Worker(name, kafka, triton, own_clock, folder / f"{name}.log", arguments)


def _kafka(stack: ExitStack, proxies: list[int], topics: Topics) -> ApacheKafka:
    kafka = ApacheKafka(proxies)
    stack.callback(kafka.close)
    kafka.start()
    kafka.create(topics.input, topics.dead_letters, partitions=PARTITIONS)
    limit = {"max.message.bytes": str(OUTPUT_LIMIT)}
    kafka.create(topics.output, partitions=PARTITIONS, config=limit)
    return kafka


def _hurt(scene: Scene, options: Options, tell: Tell) -> list[Inflicted]:
    """Inflict the timetable, fault by fault."""
    plans = timetable(
        options.seed, options.minutes, options.kinds, options.workers, options.overlap
    )
    for plan in plans:
        tell(f"planned: at {plan.at_s:6.1f} s {plan.kind} for {plan.duration_s:g} s")
    if not scene.monitor.well(scene.all, time.time(), CALM_S, START_S):
        raise TimeoutError(f"the workers did not begin within {START_S:g} s")
    scene.until_settled()
    began_at, faults = time.time(), []
    for plan in plans:
        scene.wait(max(1.0, began_at + plan.at_s - time.time()))
        late = time.time() > began_at + options.minutes * 60
        if scene.stop.is_set() or (late and not options.overlap):
            break
        faults.append(_inflict(scene, plan))
        if not options.overlap:
            _measure(scene, faults[-1])
        tell(_line(faults[-1], began_at))
    scene.wait(began_at + options.minutes * 60 - time.time())
    return faults


def _inflict(scene: Scene, plan: Plan) -> Inflicted:
    fault, owned = Inflicted(plan, time.time()), scene.owned()
    fault.moments = fault.kind.act(scene, plan)
    fault.untouched = owned - fault.moments[0].partitions
    return fault


def _measure(scene: Scene, fault: Inflicted) -> None:
    """Wait until all flows again, and for how long it has by then."""
    moments = fault.moments
    scene.monitor.well(scene.all, moments[-1].at, fault.kind.calm_s, RECOVER_S)
    fault.over = fault.began
    for moment, after in zip(moments, [*moments[1:], None], strict=True):
        end = after.at if after else math.inf
        since = {p: scene.monitor.flows_since(p, moment.at, end) for p in scene.all}
        fault.over = max([fault.over, *(at or time.time() for at in since.values())])
        if moment.partitions:
            touched = [since[partition] for partition in moment.partitions]
            fault.recovery_s.append(None if None in touched else max(touched) - moment.at)
    for partition in fault.untouched:
        stood = scene.monitor.standstill(partition, fault.began, fault.over)
        fault.standstill_s = max(fault.standstill_s, stood)


def _line(fault: Inflicted, began_at: float) -> str:
    plan = fault.plan
    line = (
        f"{fault.began - began_at:6.1f} s  {plan.kind} for {plan.duration_s:g} s,"
        f" target {plan.target}"
    )
    if fault.over == math.inf:
        return line
    times = " and ".join("never" if s is None else f"{s:.1f} s" for s in fault.recovery_s)
    stood = f"; others stood {fault.standstill_s:.1f} s at most" if fault.standstill_s else ""
    return f"{line}, flows again after {times or 'no stop'}{stood}"


def _finish(scene: Scene, load: Load, tell: Tell) -> int:
    """Let all come out, then let the workers drain; how many inputs there were."""
    scene.wait(CALM_S)
    sent = load.stop()
    if missing := scene.monitor.missing(sent, SILENCE_S):
        tell(f"{missing:,} of {sent:,} inputs did not come out")
    for worker in scene.group.workers:
        if (code := worker.terminate(DRAIN_S)) != 0:
            worker.failed(f"ended by SIGTERM with {code}, expected 0")
    return sent


def _uncommitted(bootstrap: str, topics: Topics) -> dict[int, int]:
    committed = stream.committed(bootstrap, topics.input, topics.input)
    ends = stream.ends(bootstrap, topics.input)
    left = {partition: end - committed.get(partition, 0) for partition, end in ends.items()}
    return {partition: count for partition, count in left.items() if count}
