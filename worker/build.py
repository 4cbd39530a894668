"""Builds models, lexicon, model client and pipeline from the settings; no Kafka."""

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
from worker.understanding.computation import Computation
from worker.understanding.deadline import Deadline
from worker.understanding.decide import Expander
from worker.understanding.enrichment import MODELS, TAGGING, Composer
from worker.understanding.pipeline import Pipeline
from worker.understanding.retry import ModelCaller
from worker.understanding.snapshot import Snapshot
from worker.understanding.stage import Stage
from worker.understanding.stages import Stages
from worker.understanding.tagging import Tagger
from worker.understanding.tokenize import TextTokenizer

logger = logging.getLogger(__name__)

FIRST_PROBE_S, PROBE_S = 0.05, 1.0
REMIND_S = 10.0

Contracts = Mapping[str, ModelContract]


def model_names(settings: Settings) -> tuple[str, ...]:
    """The models to ask: `MODELS`, and `TAGGING` where it is wanted."""
    return (*MODELS, TAGGING) if settings.inference.tags else MODELS


def load_contracts(settings: Settings) -> Contracts:
    """The model folders' contracts by kind.

    Raises:
        ConfigError: folders are missing or broken; also names the lexicon's faults, so that all
            are in one message.
    """
    contracts: dict[str, ModelContract] = {}
    faults: list[str] = []
    for name in model_names(settings):
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
    """The contract of one of `model_names`.

    Raises:
        ModelFolderError: its folder is missing or broken, or it is of another kind or name.
    """
    called = settings.inference.name(name)
    contract = load(settings.inference.models / called)
    if contract.kind != name:
        raise ModelFolderError(
            f"{contract.folder}: a model of kind {contract.kind}, not {name};"
            " export one of that kind into this folder"
        )
    if contract.name != called:
        raise ModelFolderError(
            f"{contract.folder}: its model.json calls it {contract.name}, not {called};"
            f" export it with --name {called}, or set inference.names"
        )
    return contract


def load_lexicon(settings: Settings, contracts: Contracts, known: Lexicon | None = None) -> Lexicon:
    """The lexicon, checked against the encoder's contract, if `contracts` has one.

    Args:
        known: a lexicon already loaded; returned if the folder still holds its version.

    Raises:
        LexiconError: it is missing or broken, or its vectors are another encoder's.
    """
    if known and built.version(settings.lexicon.folder) == known.version:
        return known
    lexicon = Lexicon.load(settings.lexicon.folder)
    encoder = contracts.get("encoder")
    made_by = lexicon.encoder_sha256, lexicon.document_prompt
    if encoder and made_by != (encoder.onnx_sha256, encoder.prompts.document):
        raise LexiconError(
            f"{settings.lexicon.folder}: built with another encoder than "
            f"{encoder.folder}; build it again: {built.BUILD} --out FOLDER "
            f"--set inference.models={settings.inference.models}"
        )
    return lexicon


def make_inference(settings: Settings, contracts: Contracts) -> Inference:
    """The client of the configured model server, or ONNX Runtime in this process."""
    chosen = settings.inference
    if chosen.backend == "onnx":
        from worker.inference.onnx import OnnxInference  # slow to import, and rarely used

        return OnnxInference(list(contracts.values()), chosen.threads)
    return TritonInference(
        chosen.url,
        list(contracts.values()),
        timeout_s=chosen.timeout_ms / 1000,
        access=Access(
            tls=chosen.tls,
            authority=chosen.tls_ca,
            certificate=chosen.tls_certificate,
            key=chosen.tls_key,
            token=chosen.token,
            header=chosen.token_header,
        ),
    )


def make_expander(settings: Settings, contracts: Contracts, lexicon: Lexicon) -> Expander:
    """Retrieval and selection of expansions."""
    chosen, neutral = settings.understanding, contracts["matching"].threshold
    return Expander(
        lexicon,
        chosen.max_candidates,
        chosen.min_similarity,
        chosen.match_threshold,
        chosen.max_expansions,
        0.5 if neutral is None else min(max(neutral, 0.01), 0.99),
        _listed(chosen.parents_for),
    )


def _listed(text: str) -> frozenset[str]:
    """The words of a list with commas."""
    return frozenset(text.replace(",", " ").split())


def make_caller(settings: Settings, contract: ModelContract, metrics: Metrics) -> ModelCaller:
    """Circuit breaker, retries and policy of a model's calls."""
    policies = settings.policies
    policy, patience_s = getattr(policies, contract.kind), policies.patience_ms / 1000
    return ModelCaller(contract.name, policy, patience_s, metrics)


def make_stages(
    settings: Settings, contracts: Contracts, inference: Inference, metrics: Metrics
) -> Stages:
    """The stages that ask these models."""
    texts = {c.tokenizer_sha256: TextTokenizer(c.tokenizer) for c in contracts.values()}

    def stage(kind: str) -> Stage:
        contract = contracts[kind]
        caller = make_caller(settings, contract, metrics)
        text = texts[contract.tokenizer_sha256]
        most = settings.inference.max_calls_in_flight
        return Stage(contract, inference, caller, text, metrics, most)

    tagger = Tagger(stage(TAGGING), contracts[TAGGING]) if TAGGING in contracts else None
    return Stages(*map(stage, MODELS), tagger)


def fallback_intent(settings: Settings, contracts: Contracts) -> str | None:
    """The configured label of events without the intent model.

    Raises:
        ConfigError: it is no label of the intent model.
    """
    label, labels = settings.policies.fallback_intent, contracts["intent"].labels
    if label is None or label in labels:
        return label
    remedy = "name a label of the intent model, or leave it out"
    fault = Fault("policies.fallback_intent", repr(label), f"one of {', '.join(labels)}", remedy)
    raise ConfigError("the configuration does not fit the models:", [fault])


def make_computation(
    settings: Settings, stages: Stages, lexicon: Lexicon, metrics: Metrics
) -> Computation:
    """What answers queries by these models and this lexicon.

    Raises:
        ConfigError: see `fallback_intent`.
    """
    contracts = stages.contracts
    composer = Composer(lexicon, contracts, fallback_intent(settings, contracts))
    return Computation(stages, make_expander(settings, contracts, lexicon), composer, metrics)


def make_snapshot(settings: Settings, computation: Computation) -> Snapshot:
    """What understands a batch."""
    chosen, policies = settings.understanding, settings.policies
    return Snapshot(
        computation,
        {},
        chosen.default_language,
        _listed(chosen.languages or chosen.default_language),
        Deadline(policies.max_age_ms, policies.late),
        chosen.max_query_chars,
        chosen.max_event_bytes,
        Cache(chosen.cache_bytes // 2),
        SeenQueries(chosen.cache_bytes // 2),
    )


def make_pipeline(
    settings: Settings, contracts: Contracts, inference: Inference, metrics: Metrics
) -> Pipeline:
    """The pipeline, ready to use once `inference` is.

    Raises:
        LexiconError: see `load_lexicon`.
        ConfigError: see `fallback_intent`.
    """
    lexicon = load_lexicon(settings, contracts)
    stages = make_stages(settings, contracts, inference, metrics)
    computation = make_computation(settings, stages, lexicon, metrics)
    show_versions(metrics, contracts, lexicon)
    return Pipeline(make_snapshot(settings, computation), metrics)


def show_versions(metrics: Metrics, contracts: Contracts, lexicon: Lexicon) -> None:
    """Set the versions in the build info metric."""
    versions = {kind: f"{c.name}:{c.version}" for kind, c in contracts.items()}
    versions |= {"version": __version__, "python": platform.python_version()}
    metrics.build.info(versions | {"lexicon": lexicon.version})


async def wait_for(what: str, missing: Callable[[], Awaitable[str | None]], deadline: float):
    """Call `missing` until it returns None; log what is waited for.

    Args:
        deadline: in terms of `time.monotonic()`.

    Raises:
        StartupError: the deadline passed.
    """
    logged_at, pause_s = None, FIRST_PROBE_S
    while (reason := await missing()) is not None:
        now = monotonic()
        if now >= deadline:
            raise StartupError(f"{what}: {reason}")
        if logged_at is None or now - logged_at > REMIND_S:
            logger.warning("waiting for %s (%.0f s left): %s", what, deadline - now, reason)
            logged_at = now
        await asyncio.sleep(min(pause_s, max(deadline - now, 0)))
        pause_s = min(2 * pause_s, PROBE_S)
    logger.info("%s is ready", what)


async def check_models(inference: Inference, contracts: Contracts) -> str | None:
    """None when the served models fit the contracts; else why they cannot be used yet.

    Raises:
        ContractError: they are loaded and do not fit; names every fault.
    """
    try:
        faults = await inference.check(list(contracts.values()))
    except Retry as error:
        message = str(error)  # with a remedy, if the cause is known
        return message if "; " in message else f"{message}; start it, or correct inference.url"
    if not await inference.ready():  # a model that is missing may still be loading
        return "; ".join(map(str, faults)) or "not ready"
    if faults:
        raise ContractError(f"{inference.name} serves models that do not fit:", faults)
    return None


class Understanding:
    """Models and pipeline, without Kafka. Construction only reads files.

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
        """A snapshot for `use`, with the lexicon that is now in its folder; may take seconds.

        Raises:
            LexiconError: see `load_lexicon`.
            ConfigError: see `fallback_intent`.
        """
        now = self.pipeline.snapshot.default
        lexicon = load_lexicon(settings, self.contracts, now.expander.lexicon)
        made = make_computation(settings, now.stages, lexicon, self._metrics)
        return make_snapshot(settings, made)

    def use(self, settings: Settings, snapshot: Snapshot) -> None:
        """Use these settings and this snapshot from the next batch on."""
        self.pipeline.use(snapshot)
        self.pipeline.obey(settings.policies)
        show_versions(self._metrics, self.contracts, snapshot.default.expander.lexicon)

    @asynccontextmanager
    async def ready(self, timeout_s: float) -> AsyncIterator[None]:
        """Connect, wait until the server has these models; disconnect at the end.

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
