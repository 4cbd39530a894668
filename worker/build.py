"""Builds model client, stages, computations and pipeline from the settings; no Kafka."""

from __future__ import annotations

import asyncio
import logging
import platform
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from time import monotonic

from triton_models.contract import ModelContract
from worker import __version__
from worker.config.models import ENCODER, INTENT, MATCHING
from worker.config.settings import Settings, listed
from worker.errors import ConfigError, ContractError, Fault, Retry, StartupError
from worker.folders import (
    Contracts,
    by_name,
    load_all_contracts,
    load_lexicons,
    tagging_contract,
)
from worker.inference.access import Access
from worker.inference.port import Inference
from worker.inference.triton import TritonInference
from worker.lexicon.lexicon import Lexicon
from worker.metrics import Metrics
from worker.understanding.cache import Cache, SeenQueries
from worker.understanding.computation import Computation
from worker.understanding.deadline import Deadline
from worker.understanding.decide import Expander
from worker.understanding.enrichment import Composer
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


def check_tls(settings: Settings) -> None:
    """Whether the TLS files of the connection to Triton can be used.

    Raises:
        ConfigError: names every one that cannot.
    """
    chosen = settings.inference
    if chosen.tls and chosen.backend == "triton":
        Access(True, chosen.tls_ca, chosen.tls_certificate, chosen.tls_key).credentials()


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
    """Retrieval and selection of expansions.

    Raises:
        ConfigError: see `parents_for`.
    """
    chosen, neutral = settings.understanding, contracts[MATCHING].threshold
    return Expander(
        lexicon,
        max_candidates=chosen.max_candidates,
        min_similarity=chosen.min_similarity,
        threshold=chosen.match_threshold,
        max_expansions=chosen.max_expansions,
        neutral=0.5 if neutral is None else min(max(neutral, 0.01), 0.99),
        parents_for=parents_for(settings, contracts),
    )


def make_caller(settings: Settings, contract: ModelContract, metrics: Metrics) -> ModelCaller:
    """Circuit breaker, retries and policy of a model's calls."""
    policies = settings.policies
    policy, patience_s = getattr(policies, contract.kind), policies.patience_ms / 1000
    return ModelCaller(contract.name, policy, patience_s, metrics)


def make_stages(
    settings: Settings, contracts: Mapping[str, Contracts], inference: Inference, metrics: Metrics
) -> dict[str, Stages]:
    """The stages of each entry; a model that several share is asked by one stage."""
    models = by_name(contracts)
    texts = {c.tokenizer_sha256: TextTokenizer(c.tokenizer) for c in models.values()}

    def stage(contract: ModelContract) -> Stage:
        caller = make_caller(settings, contract, metrics)
        text = texts[contract.tokenizer_sha256]
        most = settings.inference.max_calls_in_flight
        return Stage(contract, inference, caller, text, metrics, most)

    made = {name: stage(contract) for name, contract in models.items()}

    def stages(entry: str, own: Contracts) -> Stages:
        tagging = tagging_contract(settings.of(entry), own)
        tagger = Tagger(made[tagging.name], tagging) if tagging else None
        intent, encoder, matching = (made[own[kind].name] for kind in (INTENT, ENCODER, MATCHING))
        return Stages(intent, encoder, matching, tagger)

    return {entry: stages(entry, own) for entry, own in contracts.items()}


def fallback_intent(settings: Settings, contracts: Contracts) -> str | None:
    """The configured label of events without the intent model.

    Raises:
        ConfigError: it is no label of the intent model.
    """
    label = settings.policies.fallback_intent
    if label is not None:
        _check_labels("policies.fallback_intent", {label}, contracts[INTENT])
    return label


def parents_for(settings: Settings, contracts: Contracts) -> frozenset[str]:
    """The intents whose queries get broader terms.

    Raises:
        ConfigError: one is no label of the intent model.
    """
    labels = listed(settings.understanding.parents_for)
    _check_labels("understanding.parents_for", labels, contracts[INTENT])
    return labels


def _check_labels(key: str, labels: Iterable[str], intent: ModelContract) -> None:
    for label in labels:
        if label not in intent.labels:
            expected = f"one of {', '.join(intent.labels)}"
            remedy = f"name a label of the model {intent.name}, or leave it out"
            fault = Fault(key, repr(label), expected, remedy)
            raise ConfigError("the configuration does not fit the models:", [fault])


def make_computation(
    settings: Settings, stages: Stages, lexicon: Lexicon, metrics: Metrics
) -> Computation:
    """What answers queries by these models and this lexicon.

    Raises:
        ConfigError: see `fallback_intent` and `parents_for`.
    """
    contracts = stages.contracts
    composer = Composer(lexicon, contracts, fallback_intent(settings, contracts))
    return Computation(stages, make_expander(settings, contracts, lexicon), composer, metrics)


def make_snapshot(
    settings: Settings,
    stages: Mapping[str, Stages],
    lexicons: Mapping[str, Lexicon],
    metrics: Metrics,
) -> Snapshot:
    """What understands a batch, made of the stages and lexicon of each entry.

    Raises:
        ConfigError: see `fallback_intent` and `parents_for`.
    """
    chosen, policies = settings.understanding, settings.policies
    return Snapshot(
        {
            entry: make_computation(settings, own, lexicons[entry], metrics)
            for entry, own in stages.items()
        },
        default_language=chosen.default_language,
        languages=chosen.shared,
        deadline=Deadline(policies.max_age_ms, policies.late),
        max_query_chars=chosen.max_query_chars,
        max_event_bytes=chosen.max_event_bytes,
        cache=Cache(chosen.cache_bytes // 2),
        seen=SeenQueries(chosen.cache_bytes // 2),
    )


def make_pipeline(
    settings: Settings, contracts: Mapping[str, Contracts], inference: Inference, metrics: Metrics
) -> Pipeline:
    """The pipeline, ready to use once `inference` is.

    Args:
        contracts: by entry, as `load_all_contracts` returns them.

    Raises:
        LexiconError: see `load_lexicons`.
        ConfigError: see `fallback_intent` and `parents_for`.
    """
    lexicons = load_lexicons(settings, contracts)
    stages = make_stages(settings, contracts, inference, metrics)
    snapshot = make_snapshot(settings, stages, lexicons, metrics)
    show_versions(metrics, snapshot)
    return Pipeline(snapshot, metrics)


def show_versions(metrics: Metrics, snapshot: Snapshot) -> None:
    """Set the versions in the build info metric; those of a language end with its code."""
    versions = {"version": __version__, "python": platform.python_version()}
    for entry, computation in snapshot.computations.items():
        suffix = f"_{entry}" if entry else ""
        for kind, contract in computation.stages.contracts.items():
            versions[kind + suffix] = f"{contract.name}:{contract.version}"
        versions["lexicon" + suffix] = computation.lexicon.version
    metrics.build.info(versions)


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

    Attributes:
        contracts: of the models of all entries, by name.

    Raises:
        Stop: the models or the lexicons cannot be used.
    """

    def __init__(self, settings: Settings, metrics: Metrics | None = None) -> None:
        self._metrics = metrics or Metrics()
        self._contracts = load_all_contracts(settings)
        self.contracts = by_name(self._contracts)
        self.inference = make_inference(settings, self.contracts)
        self.pipeline = make_pipeline(settings, self._contracts, self.inference, self._metrics)

    @property
    def lexicon_versions(self) -> Mapping[str, str]:
        return self.pipeline.snapshot.lexicon_versions

    def prepared(self, settings: Settings) -> Snapshot:
        """A snapshot for `use`, with the lexicons that are now in their folders; may take seconds.

        Raises:
            LexiconError: see `load_lexicons`.
            ConfigError: see `fallback_intent` and `parents_for`.
        """
        now = self.pipeline.snapshot.computations
        known = {entry: computation.lexicon for entry, computation in now.items()}
        stages = {entry: computation.stages for entry, computation in now.items()}
        lexicons = load_lexicons(settings, self._contracts, known)
        return make_snapshot(settings, stages, lexicons, self._metrics)

    def use(self, settings: Settings, snapshot: Snapshot) -> None:
        """Use these settings and this snapshot from the next batch on."""
        self.pipeline.use(snapshot)
        self.pipeline.obey(settings.policies)
        show_versions(self._metrics, snapshot)

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
