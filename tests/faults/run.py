"""One run: start everything, hurt it by the timetable, let it finish, hand over what to judge."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests import stream
from tests.faults import models
from tests.faults.inputs import OUTPUT_LIMIT, Inputs
from tests.faults.kinds import DRAIN_S, KINDS, Kind, Plan
from tests.faults.load import Load
from tests.faults.monitor import Monitor
from tests.faults.options import PARTITIONS, Options
from tests.faults.proxy import Network
from tests.faults.scene import Moment, Scene
from tests.faults.timetable import timetable
from tests.faults.workers import Group, Worker
from tests.servers.kafka import ApacheKafka
from tests.stream import Topics
from worker import config
from worker.settings import Settings

RECOVER_S = 60.0  # after that a fault is taken for one that nobody recovers from
START_S = 60.0
CALM_S = 3.0
SILENCE_S = 45.0  # at the end: longer than any session, transaction or pause of a worker

Tell = Callable[[str], None]


@dataclass
class Inflicted:
    """A fault that was, and what came after.

    Attributes:
        recovery_s: moment by moment, until every partition that it touched flowed again; None
            where one did not. Moments that touched none are left out.
        standstill_s: the longest that a partition stood still that it did not touch.
    """

    plan: Plan
    began: float
    over: float = 0.0  # when all flowed again
    recovery_s: list[float | None] = field(default_factory=list)
    standstill_s: float = 0.0

    @property
    def kind(self) -> Kind:
        return KINDS[self.plan.kind]


@dataclass
class Outcome:
    """What the judgement rests on; the broker still runs, the workers have ended."""

    bootstrap: str
    topics: Topics
    inputs: Inputs
    settings: Settings  # of the reference
    sent: int
    faults: list[Inflicted]
    exits: list[tuple[float, str]]
    peak_rss_mb: float
    uncommitted: dict[int, int]  # partition → records that were left so after the drain


@contextmanager
def running(options: Options, folder: Path, tell: Tell) -> Iterator[Outcome]:
    """Run it; with the broker still up for reading, until the end of the context."""
    with ExitStack() as stack:
        network = Network()
        stack.callback(network.close)
        model_folder, lexicon = models.write(folder)
        topics, inputs = Topics.fresh(), Inputs(options.seed, PARTITIONS)
        flags = options.settings(topics, model_folder, lexicon)
        everyone = [_worker(network, n, folder, flags, options) for n in range(options.workers + 1)]
        kafka = _kafka(stack, [worker.kafka.port for worker in everyone], topics, options)
        triton = stack.enter_context(models.running(model_folder))
        for worker, upstream in zip(everyone, kafka.behind, strict=True):
            worker.kafka.upstream, worker.triton.upstream = upstream, triton.grpc_url
        load = Load(kafka.bootstrap_servers, topics.input, inputs, options.rate)
        monitor = Monitor(
            *(kafka.bootstrap_servers, [topics.output, topics.dead_letters], PARTITIONS),
            *(inputs.partition, load.due),
        )
        stack.callback(monitor.close)
        group = Group(everyone)
        stack.callback(group.close)
        scene = Scene(
            *(kafka, triton, group, monitor, PARTITIONS),
            *(topics.input, options.member(topics.input)),
        )
        tell(f"workers' logs in {folder}")
        monitor.start()
        group.start()
        load.start()
        faults = _hurt(scene, options, tell)
        sent = _finish(scene, load, tell)
        yield Outcome(
            *(kafka.bootstrap_servers, topics, inputs),
            config.load(None, {}, [*flags, "inference.backend=onnx"]),
            *(sent, faults, group.exits, group.peak_rss_mb),
            _uncommitted(kafka.bootstrap_servers, topics),
        )


def _worker(
    network: Network, number: int, folder: Path, flags: list[str], options: Options
) -> Worker:
    name, kafka, triton = f"worker-{number}", network.proxy(), network.proxy()
    ways = [f"kafka.bootstrap_servers={kafka.address}", f"inference.url={triton.address}"]
    assignments = [*flags, *ways, *options.own(name)]
    arguments = [part for item in assignments for part in ("--set", item)]
    return Worker(name, kafka, triton, folder / f"{name}.log", arguments)


def _kafka(stack: ExitStack, proxies: list[int], topics: Topics, options: Options) -> ApacheKafka:
    kafka = ApacheKafka(proxies, options.broker())
    stack.callback(kafka.close)
    kafka.start()
    stamped = {"message.timestamp.type": "LogAppendTime"}
    kafka.create(topics.input, partitions=PARTITIONS)
    kafka.create(topics.dead_letters, partitions=PARTITIONS, config=stamped)
    limited = stamped | {"max.message.bytes": str(OUTPUT_LIMIT)}
    kafka.create(topics.output, partitions=PARTITIONS, config=limited)
    return kafka


def _hurt(scene: Scene, options: Options, tell: Tell) -> list[Inflicted]:
    """Inflict the timetable, fault by fault."""
    plans = timetable(options.seed, options.minutes, options.kinds, options.workers)
    for plan in plans:
        tell(f"planned: at {plan.at_s:6.1f} s {plan.kind} for {plan.duration_s:g} s")
    began = scene.now()
    if len(scene.monitor.flowing(began.at, began.partitions, START_S)) < PARTITIONS:
        raise TimeoutError(f"the workers did not begin within {START_S:g} s")
    scene.until_settled()
    began_at, faults = time.time(), []
    for plan in plans:
        scene.wait(max(1.0, began_at + plan.at_s - time.time()))
        if scene.stop.is_set() or time.time() > began_at + options.minutes * 60:
            break
        faults.append(_inflict(scene, plan))
        tell(_line(faults[-1], began_at))
    scene.wait(began_at + options.minutes * 60 - time.time())
    return faults


def _inflict(scene: Scene, plan: Plan) -> Inflicted:
    fault, owned = Inflicted(plan, time.time()), scene.owned()
    moments = fault.kind.act(scene, plan)
    for moment in moments:
        if moment.partitions:
            fault.recovery_s.append(_recovery(scene, moment))
    fault.over = time.time()
    for partition in owned - moments[0].partitions:
        stood = scene.monitor.standstill(partition, fault.began, fault.over)
        fault.standstill_s = max(fault.standstill_s, stood)
    return fault


def _recovery(scene: Scene, moment: Moment) -> float | None:
    left = max(1.0, moment.at + RECOVER_S - time.time())
    flowed = scene.monitor.flowing(moment.at, moment.partitions, left)
    return max(flowed.values()) if len(flowed) == len(moment.partitions) else None


def _line(fault: Inflicted, began_at: float) -> str:
    plan = fault.plan
    times = " and ".join("never" if s is None else f"{s:.1f} s" for s in fault.recovery_s)
    stood = f"; others stood {fault.standstill_s:.1f} s at most" if fault.standstill_s else ""
    at = fault.began - began_at
    return (
        f"{at:6.1f} s  {plan.kind} for {plan.duration_s:g} s, target {plan.target},"
        f" flows again after {times or 'no stop'}{stood}"
    )


def _finish(scene: Scene, load: Load, tell: Tell) -> int:
    """Let all come out, then let the workers drain; how many inputs there were."""
    scene.wait(CALM_S)
    sent = load.stop()
    if not scene.monitor.all_seen(sent, SILENCE_S):
        tell(f"only {scene.monitor.seen:,} of {sent:,} inputs came out")
    for worker in scene.group.workers:
        if (code := worker.terminate(DRAIN_S)) != 0:
            worker.failed(f"ended by SIGTERM with {code}, expected 0")
    return sent


def _uncommitted(bootstrap: str, topics: Topics) -> dict[int, int]:
    committed = stream.committed(bootstrap, topics.input, topics.input)
    ends = stream.ends(bootstrap, topics.input)
    left = {partition: end - committed.get(partition, 0) for partition, end in ends.items()}
    return {partition: count for partition, count in left.items() if count}
