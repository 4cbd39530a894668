"""The settings of Kafka, with librdkafka's own properties."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from worker.config.part import HOST_PORT, Part
from worker.config.secrets import Properties, Table

Topic = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")]

# Properties that the worker sets itself, with what to do instead.
OWNED = {
    "bootstrap.servers": "set kafka.bootstrap_servers",
    "group.id": "set kafka.group_id",
    "partition.assignment.strategy": "leave it out (cooperative-sticky), or set group.protocol",
    "enable.auto.commit": "leave it out: the worker commits what is confirmed",
    "enable.auto.offset.store": "leave it out: the worker commits what is confirmed",
    "enable.idempotence": "leave it out: the producer is always idempotent",
    "transactional.id": "leave it out: set kafka.delivery, and the worker names its own",
    "metadata.broker.list": "set kafka.bootstrap_servers",
    "batch.size": "leave it out: the worker fits it to the topics' max.message.bytes",
    "enable.partition.eof": "leave it out: the worker would handle each end as an error",
    "statistics.interval.ms": "leave it out: the worker reads them each second",
}
# A login that is misspelt would be taken for one that is not meant to be used.
LOGIN = "sasl.mechanism", "sasl.mechanisms", "sasl.username", "sasl.password", "security.protocol"
WITH_PASSWORD = "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"
# Not a librdkafka property: the access token for SASL OAUTHBEARER.
TOKEN = "sasl.oauthbearer.token"
# Properties of the Python client that are objects; values in a configuration are text.
OBJECTS = [
    "logger",
    "on_commit",
    "on_delivery",
    "default.topic.config",
    "delivery.report.only.error",
]


class Kafka(Part):
    bootstrap_servers: str = Field("localhost:9092", pattern=rf"^{HOST_PORT}(,{HOST_PORT})*$")
    """Brokers to start from, `host:port,host:port`."""
    input_topic: Topic = "queries"
    """Topic of raw queries."""
    output_topic: Topic = "queries.enriched"
    """Topic of enriched events."""
    dead_letter_topic: Topic = "queries.dead-letters"
    """Topic of rejected records, byte for byte."""
    group_id: str = Field("query-worker", min_length=1)
    """Consumer group; workers of one group share the partitions."""
    delivery: Literal["at-least-once", "exactly-once"] = "at-least-once"
    """`exactly-once`: outputs, dead letters and offsets in one transaction a commit interval."""
    commit_interval_ms: int = Field(1000, ge=10, le=60_000)
    """How often confirmed offsets are committed, milliseconds."""
    expired_records: Literal["continue", "stop"] = "continue"
    """When retention deleted records before they were consumed: `continue` after, or `stop`."""
    client: Table = Properties()
    """librdkafka properties of every client, e.g. `"security.protocol" = "SASL_SSL"`."""
    consumer: Table = Properties()
    """librdkafka properties of the consumer alone."""
    producer: Table = Properties()
    """librdkafka properties of the producer alone."""

    @field_validator("client", "consumer", "producer", mode="before")
    @classmethod
    def _dotted(cls, value: Any) -> Any:
        return dict(_flatten(value)) if isinstance(value, Mapping) else value

    @field_validator("client", "consumer", "producer")
    @classmethod
    def _not_owned(cls, value: Properties) -> Properties:
        owned = {name: remedy for name, remedy in OWNED.items() if name in value}
        owned |= {
            name: "leave it out: it cannot be written as text"
            for name in value
            if name in OBJECTS or name.endswith("_cb")
        }
        if owned:
            remedy = "; ".join(f"{name} ({remedy})" for name, remedy in owned.items())
            expected = "properties that the worker does not set itself"
            raise ValueError(expected, remedy, ", ".join(owned))
        return value

    @field_validator("client", "consumer", "producer")
    @classmethod
    def _spelt(cls, value: Properties) -> Properties:
        near = {name: get_close_matches(name, LOGIN, 1, 0.85) for name in value.keys() - {*LOGIN}}
        if odd := {name: meant[0] for name, meant in sorted(near.items()) if meant}:
            remedy = f"did you mean {', '.join(odd.values())}?"
            raise ValueError("librdkafka's properties", remedy, ", ".join(odd))
        return value

    @model_validator(mode="after")
    def _token_fits_mechanism(self) -> Self:
        mechanism = self.client.get("sasl.mechanism") or self.client.get("sasl.mechanisms")
        sources = TOKEN, "sasl.oauthbearer.method", "enable.sasl.oauthbearer.unsecure.jwt"
        if mechanism == "OAUTHBEARER" and not any(name in self.client for name in sources):
            remedy = f'set {TOKEN} to a token or file:PATH, or sasl.oauthbearer.method = "oidc"'
            expected = "an access token for OAUTHBEARER in kafka.client"
            raise ValueError(expected, remedy, "none")
        if TOKEN in self.client and mechanism != "OAUTHBEARER":
            expected = f"sasl.mechanism = OAUTHBEARER together with {TOKEN} in kafka.client"
            found = f"{TOKEN} with {mechanism or 'no mechanism'}"
            raise ValueError(expected, "set it, or leave the token out", found)
        return self

    @model_validator(mode="after")
    def _login_is_whole(self) -> Self:
        for table in (self.client | self.consumer, self.client | self.producer):
            mechanism = table.get("sasl.mechanism") or table.get("sasl.mechanisms")
            sasl = table.get("security.protocol", "").upper().startswith("SASL")
            missing = [name for name in ("sasl.username", "sasl.password") if not table.get(name)]
            if sasl and mechanism in WITH_PASSWORD and missing:
                expected = f"a user and a password for {mechanism} in kafka.client"
                remedy = f"set {' and '.join(missing)}, to the value or file:PATH"
                raise ValueError(expected, remedy, f"no {' and no '.join(missing)}")
        return self

    @model_validator(mode="after")
    def _stable_offsets(self) -> Self:
        # Else librdkafka returns an older commit while the last owner's transaction, which holds a
        # later one, is open: its records would be published twice.
        level = (self.client | self.consumer).get("isolation.level")
        if self.delivery == "exactly-once" and level == "read_uncommitted":
            raise ValueError(
                'isolation.level "read_committed" with delivery "exactly-once"',
                "leave isolation.level out, or set kafka.delivery to at-least-once",
                f'isolation.level "{level}"',
            )
        return self

    @model_validator(mode="after")
    def _distinct_topics(self) -> Self:
        keys = "input_topic", "output_topic", "dead_letter_topic"
        for name in (getattr(self, key) for key in keys):
            if len(same := [key for key in keys if getattr(self, key) == name]) > 1:
                remedy = f"set {' and '.join(same)} to different names"
                raise ValueError("three different topics", remedy, f"{' = '.join(same)} = {name!r}")
        return self


def _flatten(value: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    """Unquoted dotted keys in TOML are nested tables: join them again, values as strings."""
    for key, item in value.items():
        if isinstance(item, Mapping):
            yield from _flatten(item, f"{prefix}{key}.")
        elif isinstance(item, bool):
            yield prefix + key, str(item).lower()
        else:
            yield prefix + key, str(item)
