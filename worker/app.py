"""The composition root: the parts and Kafka → a running worker, with its health and metrics."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Coroutine
from time import monotonic
from typing import Any

from prometheus_client import generate_latest

from worker.build import PROBE_S, Understanding, check_models, check_tls, wait_for
from worker.config.models import INTENT
from worker.config.reload import Reloads
from worker.config.settings import Settings
from worker.errors import ConfigError, ContractError, StartupError, Stop
from worker.metrics import Metrics
from worker.server.http import Health, HttpServer, check_certificate
from worker.stream.admin import Cluster
from worker.stream.clients import check_properties
from worker.stream.runner import Runner
from worker.tasks import guarded

logger = logging.getLogger(__name__)

WATCH_S = 2.0  # between two looks at models that are up; each asks the server for all of them


class App:
    """One worker, from start to drained. Construction reads files and has librdkafka
    check its properties; it connects to nothing.

    Args:
        read: reads the settings again, for `reload`; None where there is nothing to read.
        listener: see `HttpServer`.

    Raises:
        Stop: the models, the lexicon or the configuration cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        read: Callable[[], Settings] | None = None,
        listener: socket.socket | None = None,
    ) -> None:
        self.settings, self.metrics = settings, Metrics()
        self._understanding = self._checked(settings)
        self._inference = self._understanding.inference
        self.runner = Runner(settings, self._understanding.pipeline, self.metrics)
        self.http = HttpServer(settings.server, self._shown, self._live, self._ready, listener)
        self._reloads = Reloads(
            settings,
            read=read or (lambda: settings),
            target=self._understanding,
            metrics=self.metrics,
            use=self._use,
        )
        self._state = "starting"
        self._models_up = False
        for part in ("kafka", "models"):  # shown also while they are waited for
            self.metrics.up.labels(part).set(0)
        self._stop = asyncio.Event()

    @property
    def intents(self) -> tuple[str, ...]:
        """The labels of the intent models, in their order."""
        asked = [c for c in self._understanding.contracts.values() if c.kind == INTENT]
        return tuple(dict.fromkeys(label for contract in asked for label in contract.labels))

    @property
    def models_away(self) -> bool:
        """Whether the model server, or one of its models, does not answer in the midst of work."""
        up = self._models_up and not self._understanding.pipeline.away
        return self._state == "running" and not up

    def reload(self) -> None:
        """Read the settings again and use them, if all is well; called on the event loop."""
        if self._stop.is_set() or self._state == "stopped":
            logger.info("the configuration is not reloaded: the worker is stopping")
        else:
            self._reloads.request()

    def _use(self, settings: Settings) -> None:
        self.settings = settings
        self.runner.use(settings)

    def _checked(self, settings: Settings) -> Understanding:
        """What can be known to be wrong before anything is started, all in one listing."""
        faults: list[Stop] = []
        made: list[Understanding] = []
        for check in (
            lambda: check_properties(settings.kafka),
            lambda: made.append(Understanding(settings, self.metrics)),
            lambda: check_tls(settings),
            lambda: check_certificate(settings.server),
        ):
            try:
                check()
            except Stop as error:
                faults.append(error)
        if len(faults) > 1:
            raise ConfigError("\n".join(map(str, faults)))
        if faults:
            raise faults[0]
        return made[0]

    async def run(self, stop: asyncio.Event) -> None:
        """Wait for Kafka and the models, then work until `stop` is set and all is drained.

        Raises:
            Stop: names what ended it.
        """
        self._stop = stop
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.http.start()
        logger.info("health and metrics at %s", self.http.url)
        background = [self._background(self._reloads.serve())]
        try:
            await self._inference.start()
            if await self._started(stop):
                background.append(self._background(self._watch_models()))
                self._state = "running"
                await self.runner.run(stop)
        finally:
            self._state = "stopped"
            for task in background:
                task.cancel()
            await self._inference.stop()
            self.http.stop()

    def _background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return guarded(work, self._fail)

    def _fail(self, error: BaseException) -> None:
        """End `run` with this error."""
        if self._state == "running":
            self.runner.fail(error)
        elif not self._failure.done():
            self._failure.set_exception(error)

    async def _started(self, stop: asyncio.Event) -> bool:
        """Whether everything came up; False when `stop` was set before."""
        waiting = asyncio.create_task(self._wait())
        stopped = asyncio.create_task(stop.wait())
        ends = {waiting, stopped, self._failure}
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        waiting.cancel()
        for task in done & {self._failure, waiting}:
            await task
        return waiting in done

    async def _wait(self) -> None:
        deadline = monotonic() + self.settings.lifecycle.startup_timeout_s
        kafka = self.settings.kafka
        cluster = Cluster(kafka)
        broker = wait_for(
            f"Kafka at {kafka.bootstrap_servers}",
            lambda: asyncio.to_thread(cluster.missing),
            deadline,
        )
        parts = {"models": self._understanding.wait(deadline), "kafka": broker}
        waits = [asyncio.create_task(self._found(*part)) for part in parts.items()]
        try:
            _, late = await asyncio.wait(waits, return_when=asyncio.FIRST_EXCEPTION)
            if late:  # both may be away: their deadline is the same
                await asyncio.wait(late, timeout=2 * PROBE_S)
            faults = [wait.exception() for wait in waits if wait.done() and wait.exception()]
        finally:
            for wait in waits:
                wait.cancel()
        if len(faults) == 1:
            raise faults[0]
        if faults:
            raise StartupError("\n".join(map(str, faults)))
        self._models_up = True

    async def _found(self, part: str, wait: Awaitable[None]) -> None:
        await wait
        self.metrics.up.labels(part).set(1)

    async def _watch_models(self) -> None:
        while True:
            up = await self._still_fits()
            if up != self._models_up:
                logger.warning("%s is %s", self._inference.name, "back" if up else "away")
                for stage in self._understanding.pipeline.stages if up else ():
                    stage.caller.may_be_back()
            self._models_up = up
            self.metrics.up.labels("models").set(up)
            await asyncio.sleep(WATCH_S if up else PROBE_S)

    async def _still_fits(self) -> bool:
        """Whether the model server answers with our models; others end the worker.

        Asked each time: a server may be exchanged between two looks.
        """
        try:
            return await check_models(self._inference, self._understanding.contracts) is None
        except ContractError as error:
            self._fail(error)
            return False

    async def _shown(self) -> bytes:
        return generate_latest(self.metrics.registry)

    async def _live(self) -> Health:
        age = monotonic() - self.runner.heartbeat_at
        hung = self._state == "running" and age > self.settings.lifecycle.stall_timeout_s
        return Health(not hung, {"state": self._state, "heartbeat_age_s": round(age, 2)})

    async def _ready(self) -> Health:
        state = "draining" if self._stop.is_set() and self._state == "running" else self._state
        # A model may hang in a server that answers: the circuits of its calls show it.
        silent = self._understanding.pipeline.away
        parts = {"kafka": self.runner.connected, "models": self._models_up and not silent}
        shown = {name: "up" if up else "away" for name, up in parts.items()}
        details = {"state": state, **shown, "circuits_open": silent}
        return Health(state == "running" and all(parts.values()), details)
