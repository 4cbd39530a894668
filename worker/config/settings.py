"""The settings: one frozen model for each part; each key with its meaning, bounds and default."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

import triton_models
from worker.config.kafka import Kafka
from worker.config.languages import DEFAULT, Language, check_entries, of_kinds
from worker.config.models import TAGGING
from worker.config.part import HOST_PORT, Part
from worker.config.secrets import Credential, Properties, Table

STARTER_MODELS = Path(triton_models.__file__).parent / "starter"
STARTER_LEXICON = Path(__file__).parents[1] / "lexicon" / "starter"

Policy = Literal["block", "degrade", "dead_letter"]
Late = Literal["process", "pass", "skip"]


def _pair(part: str, certificate: Path | None, key: Path | None) -> None:
    if (certificate is None) != (key is None):
        expected = "tls_certificate and tls_key together"
        remedy = f"set {part}.tls_certificate and {part}.tls_key, or neither"
        found = "tls_certificate alone" if certificate else "tls_key alone"
        raise ValueError(expected, remedy, found)


class Batching(Part):
    max_records: int = Field(2000, ge=1, le=10_000)
    """Records fetched at most for one round of batches."""
    max_wait_ms: int = Field(2, ge=1, le=1000)
    """How long a round waits to fill, milliseconds: the price in latency at low load."""
    max_batches_in_flight: int = Field(32, ge=1, le=1024)
    """Batches fetched and not yet produced; one partition alone takes at most half of them."""
    max_bytes_in_flight: int = Field(64 * 2**20, ge=2**20)
    """Bytes of the same, shared out likewise; each partition may exceed its share by one record."""


class Inference(Part):
    backend: Literal["triton", "onnx"] = "triton"
    """`triton`: a Triton server over gRPC; `onnx`: ONNX Runtime in this process."""
    url: str = Field("localhost:8001", pattern=rf"^{HOST_PORT}$")
    """Triton's gRPC address, `host:port`."""
    models: Path = STARTER_MODELS
    """Folder with `intent`, `encoder`, `matching`, maybe `tagging`: the same that Triton serves."""
    names: Table = Properties()
    """Names of models that are not called by their kind, e.g. `intent = "intent_de"`."""
    tagging: bool | None = None
    """Use tags: of `tagging` if it is there (`true`: it must be), else of intent if it has them."""
    timeout_ms: int = Field(2000, ge=10, le=120_000)
    """Deadline of one model call, milliseconds."""
    max_calls_in_flight: int = Field(8, ge=1, le=256)
    """Calls of each model under way at once, at most."""
    threads: int = Field(2, ge=1, le=128)
    """Threads of the `onnx` backend."""
    tls: bool = False
    """Speak TLS with Triton."""
    tls_ca: Path | None = None
    """PEM file of the authorities that may sign its certificate; default: the well-known ones."""
    tls_certificate: Path | None = None
    """PEM file of this worker's own certificate, where Triton asks for one (mutual TLS)."""
    tls_key: Path | None = None
    """PEM file of its private key."""
    token: Credential | None = None
    """Sent with each call: the token, or `file:PATH` of a file that holds it."""
    token_header: str = Field("authorization", pattern=r"^[a-z0-9_-][a-z0-9_.-]*$")
    """Header that carries it: as `Bearer TOKEN` in `authorization`, by itself in any other."""

    @field_validator("names")
    @classmethod
    def _of_kinds(cls, value: Properties) -> Properties:
        return of_kinds(value)

    def name(self, kind: str) -> str:
        """What the model of a kind is called, in its folder and on the server."""
        return self.names.get(kind, kind)

    @property
    def tags(self) -> bool:
        """Whether the tagging model is asked: a folder without a model in it is a fault."""
        there = TAGGING in self.names or (self.models / TAGGING).is_dir()
        return there if self.tagging is None else self.tagging

    @model_validator(mode="after")
    def _tls_fits(self) -> Self:
        named = [key for key in ("tls_ca", "tls_certificate", "tls_key") if getattr(self, key)]
        if named and not self.tls:
            expected = f"tls = true with {', '.join(named)}"
            raise ValueError(expected, "set inference.tls = true", "tls = false")
        _pair("inference", self.tls_certificate, self.tls_key)
        return self


class Policies(Part):
    intent: Policy = "block"
    """When the intent model is unavailable: `block` (wait), `degrade` (skip it), `dead_letter`."""
    encoder: Policy = "block"
    """The same for the encoder."""
    matching: Policy = "block"
    """The same for matching."""
    tagging: Policy = "block"
    """The same for tagging, where the model is asked; without it the lexicon stands alone."""
    patience_ms: int = Field(5000, ge=0, le=600_000)
    """How long after a model's first failure `degrade` and `dead_letter` act, milliseconds."""
    fallback_intent: str | None = Field(None, min_length=1)
    """Label of events without the intent model, with confidence 0; default: intent is null."""
    max_age_ms: int = Field(0, ge=0)
    """Age of a record, by its Kafka timestamp, from which it is late, milliseconds; 0 is never."""
    late: Late = "pass"
    """What becomes of late records: `process`, `pass` on without the models, or `skip`."""


class DeadLetters(Part):
    max_share: float = Field(0.5, gt=0, le=1)
    """Stop above this share of rejected records in the last minute, at least in 1,000; 1: never."""
    max_per_minute: int | None = Field(None, ge=1)
    """Stop above this many rejected records in a minute; default: no limit."""


class Understanding(Part):
    max_event_bytes: int = Field(4 * 2**20, ge=1024, le=2**30)
    """Larger records are dead-lettered unread."""
    max_query_chars: int = Field(1000, ge=1, le=100_000)
    """Longer queries, or normal forms, are dead-lettered (models read the first tokens only)."""
    default_language: str = Field("en", pattern=r"^[a-z]{2,3}$")
    """Language of `lexicon.folder`, and of Latin-script queries that show no other."""
    languages: str = Field("", pattern=r"^([a-z]{2,3}(, ?[a-z]{2,3})*)?$")
    """Languages that share default models and lexicon ("en,fr"); default: `default_language`."""
    max_candidates: int = Field(8, ge=0, le=64)
    """Lexicon terms that the matching model scores for one query."""
    min_similarity: float = Field(0.5, ge=-1, le=1)
    """Cosine from which a neighbour in the lexicon is a candidate."""
    match_threshold: float = Field(0.9, ge=0, le=1)
    """Probability of being right from which an expansion is published."""
    parents_for: str = ""
    """Intents whose queries are also expanded by broader terms ("browse,inquiry")."""
    max_expansions: int = Field(8, ge=0, le=64)
    """Expansions attached at most, best first."""
    cache_bytes: int = Field(64 * 2**20, ge=0)
    """Memory for enrichments of queries seen before (about 2 KB each); 0 turns the cache off."""

    @property
    def shared(self) -> frozenset[str]:
        """The languages that the default models and lexicon serve."""
        return listed(self.languages or self.default_language)


class Lexicon(Part):
    folder: Path = STARTER_LEXICON
    """Folder of the built lexicon."""


class Server(Part):
    host: str = Field("127.0.0.1", min_length=1)
    """Address that `/metrics`, `/livez` and `/readyz` listen on."""
    port: int = Field(9464, ge=0, le=65_535)
    """Its port; 0 takes a free one."""
    tls_certificate: Path | None = None
    """PEM file of its certificate and chain; with it, all of these speak HTTPS."""
    tls_key: Path | None = None
    """PEM file of the certificate's private key."""
    token: Credential | None = None
    """Asked for by `/metrics`, as bearer token or basic auth's password: it, or `file:PATH`."""

    @model_validator(mode="after")
    def _both(self) -> Self:
        _pair("server", self.tls_certificate, self.tls_key)
        return self


class Lifecycle(Part):
    startup_timeout_s: float = Field(120, gt=0, le=3600)
    """How long `run` waits for Kafka and Triton, seconds."""
    shutdown_timeout_s: float = Field(25, gt=0, le=3600)
    """Deadline of the drain after SIGTERM, seconds; keep it under the platform's grace period."""
    stall_timeout_s: float = Field(15, gt=0, le=3600)
    """Without a turn of the main loop for this long, `/livez` fails."""


class Logging(Part):
    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least level that is written to stderr."""
    format: Literal["text", "json"] = "text"
    """One line of text, or one JSON object, a message."""
    queries: bool = False
    """Write queries in full where a message is about one, instead of their hash and length."""


class Settings(Part):
    kafka: Kafka = Kafka()
    batching: Batching = Batching()
    inference: Inference = Inference()
    policies: Policies = Policies()
    dead_letters: DeadLetters = DeadLetters()
    understanding: Understanding = Understanding()
    lexicon: Lexicon = Lexicon()
    languages: dict[str, Language] = Field(default_factory=dict)
    server: Server = Server()
    lifecycle: Lifecycle = Lifecycle()
    logging: Logging = Logging()

    @field_validator("languages")
    @classmethod
    def _languages_fit(
        cls, value: Mapping[str, Language], info: ValidationInfo
    ) -> Mapping[str, Language]:
        if understanding := info.data.get("understanding"):  # none if that has faults itself
            check_entries(value, understanding.default_language, understanding.shared)
        return value

    @property
    def entries(self) -> tuple[str, ...]:
        """`DEFAULT`, and the languages that have models or a lexicon of their own."""
        return DEFAULT, *self.languages

    def of(self, entry: str) -> Settings:
        """These, with what an entry has of its own in `inference` and `lexicon`."""
        if entry == DEFAULT or (own := self.languages.get(entry)) is None:
            return self
        lexicon = {"folder": own.lexicon} if own.lexicon else {}
        return self.model_copy(
            update={
                "inference": self.inference.model_copy(update=own.inference),
                "lexicon": self.lexicon.model_copy(update=lexicon),
            }
        )


def listed(text: str) -> frozenset[str]:
    """The words of a list with commas."""
    return frozenset(text.replace(",", " ").split())


# What SIGHUP changes in a running worker: whole parts, or single keys. All else needs a restart.
RELOADABLE = frozenset(
    {"batching", "policies", "dead_letters", "understanding", "lexicon", "logging"}
    | {"lifecycle.shutdown_timeout_s", "lifecycle.stall_timeout_s"}
)


def reloadable(key: str) -> bool:
    """Whether `part.key` can change in a running worker."""
    part, _, name = key.partition(".")
    lexicon = part == "languages" and name.endswith(".lexicon")
    return lexicon or key in RELOADABLE or part in RELOADABLE
