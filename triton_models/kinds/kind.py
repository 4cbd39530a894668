"""What every kind of model says of itself. Nothing here needs more than the standard library."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from triton_models.settings import UsageError

IDS = ("input_ids", "attention_mask")
PAIRS = (*IDS, "token_type_ids")

Demand = Callable[[bool, str, str], None]  # whether a field is right, its name, what is expected


@dataclass(frozen=True)
class Head:
    """A further output of a model, from the same forward pass: probabilities [batch, labels], of
    tags [batch, length, labels].
    """

    name: str
    output: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Prompts:
    """What an encoder reads before a query and before a document, as E5's "query: "."""

    query: str = ""
    document: str = ""

    def queries(self, texts: Iterable[str]) -> list[str]:
        return [self.query + text for text in texts]

    def documents(self, texts: Iterable[str]) -> list[str]:
        return [self.document + text for text in texts]


def nothing(fields: dict[str, Any], demand: Demand) -> dict[str, Any]:
    """A kind without labels, and without fields of its own."""
    demand(not fields["labels"], "labels", "an empty list, this kind has none")
    return {}


@dataclass(frozen=True)
class Kind:
    """A kind of model: what its folder promises, and where its parts are.

    Attributes:
        package: the folder's dotted name, whose last part is the name of the kind.
        inputs: names of the int64 inputs, each [batch, length]; see `taken`.
        output: name of the float32 output: [batch, dimension], or [batch, length, dimension].
        by_token: whether the output has a row for each token.
        pair: whether it reads a query and a term.
        labels: whether model.json names the columns of the output.
        documents: whether its texts may be titles too; else they are queries in normal form.
        explained: whether `explain` can say which words decide.
        dev: the file of our own dev set, below `evaluation`; "" for none.
        evaluates: the options of `evaluate` that go with it.
        own: the fields of `ModelContract` that only it has, from a model.json, held to what they
            must be.
    """

    package: str
    inputs: tuple[str, ...]
    output: str
    own: Callable[[dict[str, Any], Demand], dict[str, Any]]
    by_token: bool = False
    pair: bool = False
    labels: bool = False
    documents: bool = False
    explained: bool = False
    dev: str = ""
    evaluates: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.package.rpartition(".")[2]

    @property
    def taken(self) -> tuple[tuple[str, ...], ...]:
        """The inputs that a model of it may have: one whose family tells the texts of a pair by
        separators alone has no token types.
        """
        return (self.inputs, IDS) if self.pair else (self.inputs,)

    def has(self, name: str) -> bool:
        """Whether its folder has a part."""
        return importlib.util.find_spec(f"{self.package}.{name}") is not None

    def part(self, name: str) -> ModuleType:
        """A module of its folder, imported when it is asked for. Needed are `answers`, `summary`
        and `network`; a command whose part is missing refuses the kind.

        answers: what an answer says: `fault`, `agreement` and the `least` of it that is served,
            `prediction`. Needs NumPy.
        candidates: spans that `explain` explains, of a kind that answers by token. Needs NumPy.
        summary: `summary` for a terminal, `measured` for the card. report, compare: evaluation.
        labels: labels as a sheet has them, and which the model doubts.
        options: the options of `finetune` that are its own, and what `search` chooses from.
        network, training, left_out, out_of_fold, distilling, combining: need torch.

        Raises UsageError for a part that its folder lacks.
        """
        module = f"{self.package}.{name}"
        try:
            return importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
            raise UsageError(
                f"models of kind {self.name} cannot do this: there is no {module}; choose another"
                " command, or write that module"
            ) from None
