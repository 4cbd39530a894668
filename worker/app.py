"""The composition root: settings → parts → a running worker; only here are concrete parts named."""

from __future__ import annotations

import asyncio
import logging
import platform
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from time import monotonic

from triton_models.contract import ModelContract, ModelFolderError, load
from worker import __version__
from worker.errors import ConfigError, ContractError, LexiconError, Retry, StartupError, Stop
from worker.inference.onnx import OnnxInference
from worker.inference.port import Inference
from worker.inference.triton import TritonInference
from worker.lexicon.lexicon import Lexicon
from worker.metrics import Metrics
from worker.server.http import Health, HttpServer
from worker.settings import Settings
from worker.stream.admin import Cluster
from worker.stream.clients import check_properties
from worker.stream.runner import Runner
from worker.stream.tracker import Tracker
from worker.understanding.cache import Cache
from worker.understanding.expansion import Expander
from worker.understanding.pipeline import Pipeline
from worker.understanding.stage import Stage

logger = logging.getLogger(__name__)

MODELS = ("intent", "encoder", "matching")
PROBE_S = 1.0
REMIND_S = 10.0

Contracts = Mapping[str, ModelContract]


def load_contracts(settings: Settings) -> Contracts:
    """The model folders' contracts by name.

    Raises:
        ConfigError: folders are missing or broken; tells also what is wrong with the lexicon,
            which is not looked at without them.
    """
    contracts: dict[str, ModelContract] = {}
    faults: list[str] = []
    for name in MODELS:
        try:
            contracts[name] = load(settings.inference.models / name)
        except ModelFolderError as error:
            faults.append(f"inference.models: {error}")
    if faults:
        try:
            load_lexicon(settings, contracts)
        except LexiconError as error:
            faults.append(str(error))
        raise ConfigError("\n".join(faults))
    return contracts


def load_lexicon(settings: Settings, contracts: Contracts) -> Lexicon:
    """The lexicon, which must have been built with the encoder that is served, if that is known.

    Raises:
        LexiconError: it is missing or broken, or its vectors are another encoder's.
    """
    lexicon = Lexicon.load(settings.lexicon.folder)
    encoder = contracts.get("encoder")
    if encoder and lexicon.encoder_sha256 != encoder.onnx_sha256:
        raise LexiconError(
            f"{settings.lexicon.folder}: built with another encoder than "
            f"{encoder.folder}; build it again: python -m worker.lexicon.build "
            f"--source FOLDER --out FOLDER --models {settings.inference.models}"
        )
    return lexicon


def make_inference(settings: Settings, contracts: Contracts) -> Inference:
    """The model server that the settings name."""
    chosen = settings.inference
    if chosen.backend == "onnx":
        return OnnxInference(list(contracts.values()), chosen.threads)
    return TritonInference(
        *(chosen.url, list(contracts.values())),
        timeout_s=chosen.timeout_ms / 1000,
        max_in_flight=chosen.max_calls_in_flight,
    )


def make_pipeline(
    settings: Settings, contracts: Contracts, inference: Inference, metrics: Metrics
) -> Pipeline:
    """The way of an event, ready to use once `inference` is.

    Raises:
        LexiconError: see `load_lexicon`.
    """
    chosen = settings.understanding
    lexicon = load_lexicon(settings, contracts)
    threshold = chosen.match_threshold
    expander = Expander(
        lexicon,
        chosen.max_candidates,
        chosen.min_similarity,
        contracts["matching"].threshold if threshold is None else threshold,
        chosen.max_expansions,
    )
    patience_s = settings.policies.patience_ms / 1000
    stages = [
        Stage(contracts[name], inference, getattr(settings.policies, name), patience_s, metrics)
        for name in MODELS
    ]
    versions = {name: f"{name}:{contract.version}" for name, contract in contracts.items()}
    metrics.build.info(
        {"version": __version__, "python": platform.python_version(), "lexicon": lexicon.version}
        | versions
    )
    return Pipeline(
        *stages,
        expander,
        contracts["intent"].labels,
        Cache(chosen.cache_bytes),
        chosen.default_language,
        chosen.max_query_chars,
        metrics,
    )


async def wait_for(what: str, missing: Callable[[], Awaitable[str | None]], deadline: float):
    """Ask until `missing` returns None, saying what is waited for.

    Args:
        deadline: in terms of `time.monotonic()`.

    Raises:
        StartupError: the deadline passed.
    """
    told_at = None
    while (reason := await missing()) is not None:
        now = monotonic()
        if now >= deadline:
            raise StartupError(f"{what}: {reason}")
        if told_at is None or now - told_at > REMIND_S:
            logger.warning("waiting for %s (%.0f s left): %s", what, deadline - now, reason)
            told_at = now
        await asyncio.sleep(min(PROBE_S, max(deadline - now, 0)))
    logger.info("%s is ready", what)


async def check_models(inference: Inference, contracts: Contracts) -> str | None:
    """None when the served models are the worker's; else why they cannot be used yet.

    Raises:
        ContractError: they are up and do not fit; names every fault.
    """
    try:
        faults = await inference.check(list(contracts.values()))
    except Retry as error:
        return f"{error}; start it, or mend inference.url"
    if not await inference.ready():  # a model that is missing may still be loading
        return "; ".join(map(str, faults)) or "not ready"
    if faults:
        raise ContractError(f"{inference.name} serves models that do not fit:", faults)
    return None


class Understanding:
    """The models and the way of an event, without Kafka. Construction reads model files only.

    Raises:
        Stop: the models or the lexicon cannot be used.
    """

    def __init__(self, settings: Settings, metrics: Metrics | None = None) -> None:
        self.contracts = load_contracts(settings)
        self.inference = make_inference(settings, self.contracts)
        self.pipeline = make_pipeline(
            settings, self.contracts, self.inference, metrics or Metrics()
        )

    @asynccontextmanager
    async def ready(self, timeout_s: float) -> AsyncIterator[None]:
        """Open the model server's client, wait until it serves these models; close at the end.

        Raises:
            StartupError, ContractError
        """
        await self.inference.start()
        try:
            await self.wait(monotonic() + timeout_s)
            yield
        finally:
            await self.inference.stop()

    async def wait(self, deadline: float) -> None:
        """Wait for the model server; see `wait_for`."""
        missing = partial(check_models, self.inference, self.contracts)
        await wait_for(self.inference.name, missing, deadline)


class App:
    """One worker, from start to drained. Construction does no I/O but reading model files.

    Raises:
        Stop: the models, the lexicon or the configuration cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings, self.metrics = settings, Metrics()
        self._understanding = self._checked(settings)
        self._inference = self._understanding.inference
        self.runner = Runner(settings, self._understanding.pipeline, Tracker(), self.metrics)
        self.http = HttpServer(
            *(settings.server.host, settings.server.port, self.metrics.registry),
            live=self._live,
            ready=self._ready,
        )
        self._state = "starting"
        self._models_up = False
        for part in ("kafka", "models"):  # told also while they are waited for
            self.metrics.up.labels(part).set(0)
        self._stop = asyncio.Event()

    @property
    def intents(self) -> tuple[str, ...]:
        """The labels of the intent model, in its order."""
        return tuple(self._understanding.contracts["intent"].labels)

    @property
    def models_away(self) -> bool:
        """Whether the model server did not answer when it was last asked, in the midst of work."""
        return self._state == "running" and not self._models_up

    def _checked(self, settings: Settings) -> Understanding:
        """What can be known to be wrong before anything is started, all in one listing."""
        faults: list[Stop] = []
        try:
            check_properties(settings.kafka)
        except ConfigError as error:
            faults.append(error)
        try:
            understanding = Understanding(settings, self.metrics)
        except Stop as error:
            faults.append(error)
        if len(faults) > 1:
            raise ConfigError("\n".join(map(str, faults)))
        if faults:
            raise faults[0]
        return understanding

    async def run(self, stop: asyncio.Event) -> None:
        """Wait for Kafka and the models, then work until `stop` is set and all is drained.

        Raises:
            Stop: names what ended it.
        """
        self._stop = stop
        self.http.start()
        logger.info("health and metrics at %s", self.http.url)
        watcher = None
        try:
            await self._inference.start()
            if await self._started(stop):
                watcher = asyncio.create_task(self._watch_models())
                self._state = "running"
                await self.runner.run(stop)
        finally:
            self._state = "stopped"
            if watcher:
                watcher.cancel()
            await self._inference.stop()
            self.http.stop()

    async def _started(self, stop: asyncio.Event) -> bool:
        """Whether everything came up; False when `stop` was set before."""
        waiting = asyncio.create_task(self._wait())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({waiting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not waiting.done():
            waiting.cancel()
            return False
        await waiting
        return True

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
        _, late = await asyncio.wait(waits, return_when=asyncio.FIRST_EXCEPTION)
        if late:  # both may be away: their deadline is the same
            await asyncio.wait(late, timeout=2 * PROBE_S)
        faults = [wait.exception() for wait in waits if wait.done() and wait.exception()]
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
            up = await self._inference.ready()
            if up and not self._models_up:
                up = await self._still_fits()
            if up != self._models_up:
                logger.warning("%s is %s", self._inference.name, "back" if up else "away")
            self._models_up = up
            self.metrics.up.labels("models").set(up)
            await asyncio.sleep(PROBE_S)

    async def _still_fits(self) -> bool:
        """Whether a model server that came back serves our models; others end the worker."""
        try:
            return await check_models(self._inference, self._understanding.contracts) is None
        except ContractError as error:
            self.runner.fail(error)
            return False

    def _live(self) -> Health:
        age = monotonic() - self.runner.heartbeat_at
        hung = self._state == "running" and age > self.settings.lifecycle.stall_timeout_s
        return Health(not hung, {"state": self._state, "heartbeat_age_s": round(age, 2)})

    def _ready(self) -> Health:
        state = "draining" if self._stop.is_set() and self._state == "running" else self._state
        parts = {"kafka": self.runner.connected, "models": self._models_up}
        shown = {name: "up" if up else "away" for name, up in parts.items()}
        return Health(state == "running" and all(parts.values()), {"state": state, **shown})
