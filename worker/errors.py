"""Errors, sorted by what the caller does about them.

WorkerError
├── Stop                  the process must end; the message names the remedy
│   ├── ConfigError       wrong configuration or usage: every fault in one listing (exit code 2)
│   ├── ContractError     the served models are not those the worker was set up for
│   ├── LexiconError      the lexicon folder cannot be used
│   ├── StartupError      Kafka or Triton did not come up before the deadline
│   └── DeliveryError     Kafka refuses what is produced, or the producer cannot recover
├── Retry                 the same call may succeed later
│   ├── ModelUnavailable  the server is unavailable, loading, or its queue is full
│   ├── ModelTimeout      the deadline of one call passed
│   └── ModelFailed       the server failed on this call; a smaller one may succeed
│       └── InvalidAnswer the answer is one that no model of this kind can give
└── Reject                this input can never succeed: dead letter
    └── ModelRejected     the model server refused the batch, or has no valid answer to it
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, as a user reads it, with its remedy."""

    key: str
    found: str
    expected: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.key}: found {self.found}, expected {self.expected}; {self.remedy}"


class WorkerError(Exception):
    """Base of all errors that this package raises on purpose."""


class Stop(WorkerError):
    """The process must end; `str(error)` is what the user reads, one line a fault."""

    exit_code = 1

    def __init__(self, message: str, faults: Sequence[Fault] = ()) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join([message, *(f"  - {fault}" for fault in self.faults)]))


class ConfigError(Stop):
    """The configuration or the command line is wrong."""

    exit_code = 2


class ContractError(Stop):
    """The models that are served do not fit the worker's model folders."""


class LexiconError(Stop):
    """The lexicon is missing, broken, or was built with another encoder."""

    exit_code = 2


class StartupError(Stop):
    """Something the worker waits for did not come up before the deadline."""


class DeliveryError(Stop):
    """Kafka refuses what the worker produces, or the producer cannot recover.

    Nothing after the last commit is committed.
    """


class Retry(WorkerError):
    """The same call may succeed later."""


class ModelUnavailable(Retry):
    """The model server is unavailable, still loading, or its queue is full."""


class ModelTimeout(Retry):
    """The deadline of one model call passed."""


class ModelFailed(Retry):
    """The server answered a call with an error of its own, such as lack of memory.

    Attributes:
        divisible: whether parts of the batch may fare better.
    """

    divisible = True


class InvalidAnswer(ModelFailed):
    """An answer that no model of this kind can give: its shape, type or values are wrong."""

    def __init__(self, model: str, message: str, divisible: bool = True) -> None:
        self.divisible = divisible
        super().__init__(
            f"{model}: {message}; check the served model: export it again, or load a sound version"
        )


class Reject(WorkerError):
    """This input will never succeed.

    Attributes:
        stage: the step that refused it, e.g. ``decode``.
        reason: a short fixed word for metrics and headers, e.g. ``invalid_json``.
    """

    def __init__(self, stage: str, reason: str, message: str) -> None:
        self.stage = stage
        self.reason = reason
        super().__init__(message)


class ModelRejected(Reject):
    """The model server refused the batch, or gives valid answers to other inputs alone."""

    def __init__(self, model: str, message: str) -> None:
        super().__init__(model, "model_rejected", message)
