"""A second task beside the intent: the query's category, told by a head of its own.

Both heads read the same BERT, so what one teaches it helps the other. The second hangs on the
network while it is trained; a checkpoint and an export do not have it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from triton_models.kinds.intent.examples import Example
from triton_models.kinds.intent.network import ProbabilityModel
from triton_models.training.inputs import answers, asked

NONE = -100  # the column of a query without a category, as cross-entropy leaves it out


class CategoryTask:
    """The loss of the categories of `examples`, by what the intent's head was last given."""

    def __init__(
        self, network: ProbabilityModel, examples: Sequence[Example], weight: float
    ) -> None:
        self.network, self.weight = network, weight
        names = sorted({e.category for e in examples} - {""})
        self.column = {name: i for i, name in enumerate(names)}
        self.wanted = self.columns(examples)
        last = network.classifier.classifier
        network.category = nn.Linear(last.in_features, len(names))
        last.register_forward_pre_hook(self._look)

    def _look(self, module: nn.Module, given: tuple[Tensor, ...]) -> None:
        self.seen = given[0]

    def columns(self, examples: Sequence[Example]) -> Tensor:
        """The column of each category, `NONE` for none and for one that was not learned."""
        return torch.tensor([self.column.get(e.category, NONE) for e in examples])

    def loss(self, rows: list[int]) -> Tensor:
        """The mean over the readings of these examples that have a category, weighted."""
        said = self.network.category(self.seen).float()
        wanted = self.wanted[rows].to(said.device).repeat(len(said) // len(rows))
        total = nn.functional.cross_entropy(said, wanted, ignore_index=NONE, reduction="sum")
        return self.weight * total / max(1, int((wanted != NONE).sum()))

    def measure(self, tokenizer: Tokenizer, examples: Sequence[Example]) -> dict[str, float]:
        """How many of the queries that have a category are told it rightly."""
        wanted = self.columns(examples)
        mine = (wanted != NONE).nonzero()[:, 0].tolist()
        if not mine:
            return {"queries": 0}

        def call(*given: Tensor) -> Tensor:
            self.network.logits(*given)
            return self.network.category(self.seen)

        texts = asked([examples[i].text for i in mine])
        said = answers(call, self.network, tokenizer, texts)
        right = said.argmax(dim=1) == wanted[mine]
        return {"queries": len(mine), "accuracy": float(right.double().mean())}
