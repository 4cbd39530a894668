"""A second task beside the intent, such as the query's category or sentiment.

Both heads read the same BERT in one pass, so what one teaches it helps the other. A query that
lacks the second label does not count in its loss.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from triton_models.evaluation import figures
from triton_models.kinds.intent import classify
from triton_models.kinds.intent.examples import Example
from triton_models.kinds.intent.network import ProbabilityModel
from triton_models.training import families, temperature
from triton_models.training.inputs import answers, asked

NONE = -100  # the column of a query without a label, as cross-entropy leaves it out


class SideTask:
    """The loss of further labels, by what the intent's head was last given.

    Args:
        head: reads what the intent's head reads.
        name: the attribute of an example that is its label, "" for none.
        labels: of the head's outputs.
        learned: the examples to learn from.
    """

    def __init__(
        self,
        network: ProbabilityModel,
        tokenizer: Tokenizer,
        head: nn.Module,
        name: str,
        labels: Sequence[str],
        learned: Sequence[Example],
        weight: float = 1.0,
    ) -> None:
        self.network, self.tokenizer, self.head, self.weight = network, tokenizer, head, weight
        self.name, self.column = name, {label: i for i, label in enumerate(labels)}
        self.wanted = self.columns(learned)
        families.last(network.classifier).register_forward_pre_hook(self._look)

    def _look(self, module: nn.Module, given: tuple[Tensor, ...]) -> None:
        self.seen = given[0]

    def columns(self, found: Sequence[Example]) -> Tensor:
        """The column of each label, `NONE` for none and for one that was not learned."""
        return torch.tensor([self.column.get(getattr(one, self.name), NONE) for one in found])

    def loss(self, rows: list[int], texts: Sequence[str]) -> Tensor:
        """The mean over the texts, readings of these examples, that have a label, weighted."""
        said = self.head(self.seen).float()
        wanted = self.wanted[rows].to(said.device).repeat(len(said) // len(rows))
        total = nn.functional.cross_entropy(said, wanted, ignore_index=NONE, reduction="sum")
        return self.weight * total / max(1, int((wanted != NONE).sum()))

    def logits(self, texts: Sequence[str]) -> Tensor:
        def call(*given: Tensor) -> Tensor:
            self.network.logits(*given)
            return self.head(self.seen)

        return answers(call, self.network, self.tokenizer, asked(texts))

    def measure(self, found: Sequence[Example], fold: bool) -> dict[str, float]:
        """How many of the queries that have a label are given it; with `fold` the head is made
        honest on them, and the calibration error is of each fold as the others ask for.
        """
        wanted = self.columns(found)
        mine = (wanted != NONE).nonzero()[:, 0].tolist()
        if not mine:
            return {"queries": 0}
        texts, wanted = [found[i].text for i in mine], wanted[mine]
        said = self.logits(texts)
        right = said.argmax(dim=1) == wanted
        measured = {"queries": len(mine), "accuracy": float(right.double().mean())}
        if fold:
            honest = classify.cross_fitted(said, wanted, texts)
            measured |= {
                "calibration_error": error(honest, wanted),
                "calibration_error_before": error(said, wanted),
            }
            best = temperature.best(classify.cost_of(said, wanted))
            measured["temperature"] = temperature.fold(self.head, best)
        return measured


def error(said: Tensor, wanted: Tensor) -> float:
    """The expected calibration error of logits, by the wanted columns."""
    return figures.calibration_error(said.softmax(dim=1).numpy(), wanted.numpy())
