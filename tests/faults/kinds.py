"""The faults: what each does, how long, and whether work may come twice beside it.

Each inflicts itself, waits, mends what it broke, and returns the moments from which recovery is
measured. `Plan.size` in [0, 1] is drawn by the seed and chooses within what the kind knows.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.proxy import Proxy
from tests.faults.scene import Moment, Scene

SESSION_S = 6.0  # until the group takes a silent member for dead
DRAIN_S = 30.0
LARGEST_JUMP_S = 7200.0


@dataclass(frozen=True)
class Plan:
    """One fault of the timetable.

    Attributes:
        at_s: seconds from the start of the run.
        target: index of a worker, where it is about one.
        size: in [0, 1].
    """

    kind: str
    at_s: float
    duration_s: float
    target: int
    size: float


Act = Callable[[Scene, Plan], list[Moment]]


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    Attributes:
        shortest_s, longest_s: how long it lasts.
        replays: whether what was not committed may come again beside it.
        group: whether the group may suffer: then all must flow for a session before it counts as
            over, since what it lost it may notice only then.
        goal_s: until events flow again, from its moments.
    """

    act: Act
    shortest_s: float
    longest_s: float
    replays: bool = False
    group: bool = True
    goal_s: float = 10.0

    @property
    def calm_s(self) -> float:
        """How long all must have flowed before it counts as over."""
        return SESSION_S + 2.0 if self.group else 3.0


def worker_kill(scene: Scene, plan: Plan) -> list[Moment]:
    """SIGKILL; started again after the duration."""
    worker = scene.worker(plan.target)
    gone = scene.now(worker.partitions())
    worker.kill()
    scene.wait(plan.duration_s)
    worker.start()
    scene.until_member(worker)
    return [gone]


def worker_freeze(scene: Scene, plan: Plan) -> list[Moment]:
    """SIGSTOP for less than the session timeout, then SIGCONT: nobody need notice."""
    worker = scene.worker(plan.target)
    touched = worker.partitions()
    worker.signal(signal.SIGSTOP)
    scene.wait(plan.duration_s)
    back = scene.now(touched)
    worker.signal(signal.SIGCONT)
    return [back]


def worker_zombie(scene: Scene, plan: Plan) -> list[Moment]:
    """SIGSTOP beyond the session timeout: others take over, then it wakes and knows nothing."""
    worker = scene.worker(plan.target)
    gone = scene.now(worker.partitions())
    worker.signal(signal.SIGSTOP)
    scene.wait(plan.duration_s)
    awake = scene.now()
    worker.signal(signal.SIGCONT)
    return [gone, awake]


def worker_stop(scene: Scene, plan: Plan) -> list[Moment]:
    """SIGTERM, as in a deployment; started again after the duration."""
    worker = scene.worker(plan.target)
    asked = scene.now(worker.partitions())
    code = worker.terminate(DRAIN_S)
    if code != 0:
        worker.failed(f"ended by SIGTERM with {code}, expected 0")
    scene.wait(plan.duration_s)
    worker.start()
    scene.until_member(worker)
    return [asked]


def worker_joins(scene: Scene, plan: Plan) -> list[Moment]:
    """One worker more, for the duration; then it leaves in good order."""
    scene.group.spare.start()
    scene.until_member(scene.group.spare)
    joined = scene.now()
    scene.wait(plan.duration_s)
    left = scene.now(scene.group.spare.partitions())
    scene.group.spare.terminate(DRAIN_S)
    return [joined, left]


def foreign_member(scene: Scene, plan: Plan) -> list[Moment]:
    """A consumer that is no worker takes partitions, does nothing with them, and leaves."""
    consumer = scene.foreign_member()
    for _ in range(int(plan.duration_s * 10)):
        consumer.consume(100, 0.1)
    touched = {place.partition for place in consumer.assignment()}
    consumer.close()
    return [scene.now(touched)]


def broker_stop(scene: Scene, plan: Plan) -> list[Moment]:
    """Stopped in good order and started again."""
    scene.kafka.stop()
    scene.wait(plan.duration_s)
    scene.kafka.start()
    return [scene.now()]


def broker_kill(scene: Scene, plan: Plan) -> list[Moment]:
    """SIGKILL, and started again."""
    scene.kafka.kill()
    scene.wait(plan.duration_s)
    scene.kafka.start()
    return [scene.now()]


def broker_freeze(scene: Scene, plan: Plan) -> list[Moment]:
    """SIGSTOP: connections stand, nothing answers."""
    os.kill(scene.kafka.pid, signal.SIGSTOP)
    scene.wait(plan.duration_s)
    os.kill(scene.kafka.pid, signal.SIGCONT)
    return [scene.now()]


def triton_kill(scene: Scene, plan: Plan) -> list[Moment]:
    """SIGKILL; its watcher starts it again."""
    scene.triton.kill()
    scene.wait(plan.duration_s)
    scene.until_triton_is_back()
    return [scene.now()]


def triton_hang(scene: Scene, plan: Plan) -> list[Moment]:
    """It takes calls and answers none."""
    with scene.triton.frozen():
        scene.wait(plan.duration_s)
    scene.until_triton_is_back()
    return [scene.now()]


def triton_slow(scene: Scene, plan: Plan) -> list[Moment]:
    """Each call of a model takes 0.1 to 1 s more."""
    return _misbehaves(scene, plan, f"slow {0.1 + 0.9 * plan.size:.2f}")


def wrong_values(scene: Scene, plan: Plan) -> list[Moment]:
    """All models answer NaN."""
    return _misbehaves(scene, plan, "nan")


def wrong_rows(scene: Scene, plan: Plan) -> list[Moment]:
    """All models answer for one row less than they were asked for."""
    return _misbehaves(scene, plan, "rows")


def wrong_shape(scene: Scene, plan: Plan) -> list[Moment]:
    """All models answer with one column too many."""
    return _misbehaves(scene, plan, "shape")


def oversize(scene: Scene, plan: Plan) -> list[Moment]:
    """One to twenty records come whose outputs their topic refuses."""
    came = scene.now()
    scene.load.oversize = 1 + round(19 * plan.size)
    scene.wait(plan.duration_s)
    return [came]


def _misbehaves(scene: Scene, plan: Plan, word: str) -> list[Moment]:
    scene.triton.misbehave(word)
    scene.wait(plan.duration_s)
    scene.triton.behave()
    return [scene.now()]


def clock_jump(scene: Scene, plan: Plan) -> list[Moment]:
    """One worker's wall clock is set up to two hours forward or back, and later right again."""
    worker = scene.worker(plan.target)
    jumps = scene.now(worker.partitions())
    worker.clock.set(LARGEST_JUMP_S * (2 * plan.size - 1))
    scene.wait(plan.duration_s)
    right = scene.now(worker.partitions())
    worker.clock.set(0)
    return [jumps, right]


def _network(server: str, hurt: Callable[[Proxy, Plan], None]) -> Act:
    def act(scene: Scene, plan: Plan) -> list[Moment]:
        """One worker's way to a server, or now and then all workers'."""
        workers = scene.group.workers if plan.size > 0.7 else [scene.worker(plan.target)]
        touched = {number for worker in workers for number in worker.partitions()}
        proxies = [getattr(worker, server) for worker in workers]
        for proxy in proxies:
            hurt(proxy, plan)
        scene.wait(plan.duration_s)
        for proxy in proxies:
            proxy.heal()
        return [scene.now(touched)]

    return act


def _cut(proxy: Proxy, _: Plan) -> None:
    proxy.cut()


def _stall(proxy: Proxy, _: Plan) -> None:
    proxy.stall()


def _delay(proxy: Proxy, plan: Plan) -> None:
    proxy.delay(0.02 + 0.2 * plan.size)


KINDS = {
    "worker_kill": Kind(worker_kill, 0.5, 12.0, replays=True, goal_s=15.0),
    "worker_freeze": Kind(worker_freeze, 1.0, SESSION_S * 0.7),
    "worker_zombie": Kind(
        worker_zombie, SESSION_S * 1.3, SESSION_S * 1.8, replays=True, goal_s=15.0
    ),
    "worker_stop": Kind(worker_stop, 0.5, 5.0),
    "worker_joins": Kind(worker_joins, 3.0, 8.0),
    "foreign_member": Kind(foreign_member, 4.0, 8.0),
    "clock_jump": Kind(clock_jump, 3.0, 8.0, replays=True),
    "broker_stop": Kind(broker_stop, 0.5, 8.0, replays=True),
    "broker_kill": Kind(broker_kill, 0.5, 8.0, replays=True),
    "broker_freeze": Kind(broker_freeze, 1.0, 8.0, replays=True),
    "kafka_cut": Kind(_network("kafka", _cut), 0.1, 8.0, replays=True),
    "kafka_stall": Kind(_network("kafka", _stall), 1.0, 14.0, replays=True),
    "kafka_delay": Kind(_network("kafka", _delay), 3.0, 8.0),
    "triton_kill": Kind(triton_kill, 0.5, 3.0, group=False),
    "triton_hang": Kind(triton_hang, 1.0, 9.0, group=False),
    "triton_slow": Kind(triton_slow, 3.0, 8.0, group=False),
    "triton_cut": Kind(_network("triton", _cut), 0.1, 8.0, group=False),
    "triton_stall": Kind(_network("triton", _stall), 1.0, 8.0, group=False),
    "triton_delay": Kind(_network("triton", _delay), 3.0, 8.0, group=False),
    "wrong_values": Kind(wrong_values, 1.0, 3.0, group=False),
    "wrong_rows": Kind(wrong_rows, 1.0, 3.0, group=False),
    "wrong_shape": Kind(wrong_shape, 1.0, 3.0, group=False),
    "oversize": Kind(oversize, 1.0, 2.0, replays=True, group=False),
}
# What a fault takes besides its duration: a server's or a worker's own way up, about.
OVERHEAD_S = {"worker_": 6.0, "broker_": 8.0, "triton_kill": 5.0, "triton_hang": 5.0}
