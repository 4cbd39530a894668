"""Settings → models, lexicon, model server and pipeline: the way of an event, without Kafka."""

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
from worker.config.settings import Settings
from worker.errors import ConfigError, ContractError, Fault, LexiconError, Retry, StartupError
from worker.inference.access import Access
from worker.inference.port import Inference
from worker.inference.triton import TritonInference
from worker.lexicon import built
from worker.lexicon.lexicon import Lexicon
from worker.metrics import Metrics
from worker.understanding.cache import Cache, SeenQueries
from worker.understanding.deadline import Deadline
from worker.understanding.decide import Expander
from worker.understanding.enrichment import MODELS, Composer
from worker.understanding.pipeline import Pipeline
from worker.understanding.retry import ModelCaller
from worker.understanding.snapshot import Snapshot
from worker.understanding.stage import Stage
from worker.understanding.tokenize import TextTokenizer

logger = logging.getLogger(__name__)

FIRST_PROBE_S, PROBE_S = 0.05, 1.0
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
            contracts[name] = load_contract(settings, name)
        except ModelFolderError as error:
            faults.append(f"inference.models: {error}")
    if faults:
        try:
            load_lexicon(settings, contracts)
        except LexiconError as error:
            faults.append(str(error))
        raise ConfigError("\n".join(faults))
    return contracts


def load_contract(settings: Settings, name: str) -> ModelContract:
    """The contract of one of `MODELS`.

    Raises:
        ModelFolderError: its folder is missing or broken, or it gives a query several labels.
    """
    found = load(settings.inference.models / name)
    if found.multi:  # an event carries one, and the likeliest of several would pass for it
        raise ModelFolderError(
            f"{found.folder}: gives a query several labels, and an event carries one;"
            " train it without --multi"
        )
    return found


def load_lexicon(settings: Settings, contracts: Contracts, known: Lexicon | None = None) -> Lexicon:
    """The lexicon, which must have been built with the encoder that is served, if that is known.

    Args:
        known: one that is loaded already; it is given back if the folder holds its version.

    Raises:
        LexiconError: it is missing or broken, or its vectors are another encoder's.
    """
    if known and built.version(settings.lexicon.folder) == known.version:
        return known
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
        from worker.inference.onnx import OnnxInference  # slow to import, and rarely of use

        return OnnxInference(list(contracts.values()), chosen.threads)
    return TritonInference(
        *(chosen.url, list(contracts.values())),
        timeout_s=chosen.timeout_ms / 1000,
        max_in_flight=chosen.max_calls_in_flight,
        access=Access(
            *(chosen.tls, chosen.tls_ca, chosen.tls_certificate, chosen.tls_key),
            *(chosen.token, chosen.token_header),
        ),
    )


def make_expander(settings: Settings, contracts: Contracts, lexicon: Lexicon) -> Expander:
    """Retrieval and selection as the settings have it."""
    chosen, threshold = settings.understanding, settings.understanding.match_threshold
    return Expander(
        lexicon,
        chosen.max_candidates,
        chosen.min_similarity,
        contracts["matching"].threshold if threshold is None else threshold,
        chosen.max_expansions,
    )


def make_caller(settings: Settings, model: str, metrics: Metrics) -> ModelCaller:
    """What stands before a model's calls: its circuit, its retries and its policy."""
    policies = settings.policies
    return ModelCaller(
        *(model, getattr(policies, model), policies.patience_ms / 1000),
        *(settings.inference.max_calls_in_flight, metrics),
    )


def fallback_intent(settings: Settings, contracts: Contracts) -> str | None:
    """The label of events without the intent model, if there is one.

    Raises:
        ConfigError: the intent model does not know it.
    """
    label, labels = settings.policies.fallback_intent, contracts["intent"].labels
    if label is None or label in labels:
        return label
    remedy = "name a label of the intent model, or leave it out"
    fault = Fault("policies.fallback_intent", repr(label), f"one of {', '.join(labels)}", remedy)
    raise ConfigError("the configuration does not fit the models:", [fault])


def make_snapshot(settings: Settings, contracts: Contracts, lexicon: Lexicon) -> Snapshot:
    """What a batch is understood with beside the models.

    Raises:
        ConfigError: see `fallback_intent`.
    """
    chosen, policies = settings.understanding, settings.policies
    return Snapshot(
        make_expander(settings, contracts, lexicon),
        Composer(lexicon, contracts["intent"].labels, fallback_intent(settings, contracts)),
        Deadline(policies.max_age_ms, policies.late),
        chosen.default_language,
        chosen.max_query_chars,
        chosen.max_event_bytes,
        Cache(chosen.cache_bytes // 2),
        SeenQueries(chosen.cache_bytes // 2),
    )


def make_pipeline(
    settings: Settings, contracts: Contracts, inference: Inference, metrics: Metrics
) -> Pipeline:
    """The way of an event, ready to use once `inference` is.

    Raises:
        LexiconError: see `load_lexicon`.
        ConfigError: see `fallback_intent`.
    """
    lexicon = load_lexicon(settings, contracts)
    snapshot = make_snapshot(settings, contracts, lexicon)
    texts = {c.tokenizer_sha256: TextTokenizer(c.tokenizer) for c in contracts.values()}
    stages = [
        Stage(
            contracts[name],
            inference,
            make_caller(settings, name, metrics),
            texts[contracts[name].tokenizer_sha256],
            metrics,
        )
        for name in MODELS
    ]
    tell_build(metrics, contracts, lexicon)
    return Pipeline(*stages, snapshot, metrics)


def tell_build(metrics: Metrics, contracts: Contracts, lexicon: Lexicon) -> None:
    """Show in the metrics which versions the worker was set up with."""
    versions = {name: f"{name}:{contract.version}" for name, contract in contracts.items()}
    python = platform.python_version()
    told = {"version": __version__, "python": python, "lexicon": lexicon.version}
    metrics.build.info(told | versions)


async def wait_for(what: str, missing: Callable[[], Awaitable[str | None]], deadline: float):
    """Ask until `missing` returns None, saying what is waited for.

    Args:
        deadline: in terms of `time.monotonic()`.

    Raises:
        StartupError: the deadline passed.
    """
    told_at, pause_s = None, FIRST_PROBE_S
    while (reason := await missing()) is not None:
        now = monotonic()
        if now >= deadline:
            raise StartupError(f"{what}: {reason}")
        if told_at is None or now - told_at > REMIND_S:
            logger.warning("waiting for %s (%.0f s left): %s", what, deadline - now, reason)
            told_at = now
        await asyncio.sleep(min(pause_s, max(deadline - now, 0)))
        pause_s = min(2 * pause_s, PROBE_S)
    logger.info("%s is ready", what)


async def check_models(inference: Inference, contracts: Contracts) -> str | None:
    """None when the served models are the worker's; else why they cannot be used yet.

    Raises:
        ContractError: they are up and do not fit; names every fault.
    """
    try:
        faults = await inference.check(list(contracts.values()))
    except Retry as error:
        told = str(error)  # it may know better
        return told if "; " in told else f"{told}; start it, or mend inference.url"
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
        self._metrics = metrics or Metrics()
        self.contracts = load_contracts(settings)
        self.inference = make_inference(settings, self.contracts)
        self.pipeline = make_pipeline(settings, self.contracts, self.inference, self._metrics)

    @property
    def lexicon_version(self) -> str:
        return self.pipeline.snapshot.lexicon_version

    def prepared(self, settings: Settings) -> Snapshot:
        """What `use` takes, with the lexicon that now stands in its folder; may take seconds.

        Raises:
            LexiconError: see `load_lexicon`.
            ConfigError: see `fallback_intent`.
        """
        known = self.pipeline.snapshot.expander.lexicon
        return make_snapshot(
            settings, self.contracts, load_lexicon(settings, self.contracts, known)
        )

    def use(self, settings: Settings, snapshot: Snapshot) -> None:
        """Work with these thresholds, limits, policies and this lexicon from the next batch on."""
        self.pipeline.use(snapshot)
        self.pipeline.obey(settings.policies)
        tell_build(self._metrics, self.contracts, snapshot.expander.lexicon)

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
