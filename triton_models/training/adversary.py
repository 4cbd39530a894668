"""Adversarial training on the embeddings: a second look at the batch, made as hard as can be.

The fast gradient method of Miyato et al. (2017): each text's word embeddings move by `size` in
the direction in which the loss rises fastest, and the loss there is learned from as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from triton_models.training import adapters


class Adversary:
    """Watches the word embeddings of a network, and moves them when asked to.

    `size` is the length of the step over a whole text; embeddings of MiniLM are about 1 long.
    """

    def __init__(self, network: nn.Module, size: float) -> None:
        self.size = size
        self.seen: list[Tensor] = []
        self.moves: list[Tensor] | None = None
        table = adapters.backbone(network).embeddings.word_embeddings
        self.hook = table.register_forward_hook(self._look)

    def _look(self, module: nn.Module, given: object, found: Tensor) -> Tensor:
        if self.moves is not None:
            return found + self.moves.pop(0)
        if not torch.is_grad_enabled():
            return found
        found = found if found.requires_grad else found.detach().requires_grad_()
        found.retain_grad()
        self.seen.append(found)
        return found

    @contextmanager
    def moved(self) -> Iterator[None]:
        """After a backward pass: the same calls again meet the moved embeddings."""
        self.moves = [self._step(states.grad) for states in self.seen]
        try:
            yield
        finally:
            self.moves = None
            self.seen.clear()

    def _step(self, slope: Tensor) -> Tensor:
        length = slope.flatten(1).norm(dim=1).clamp(min=1e-12)
        return self.size * slope / length[:, None, None]

    def leave(self) -> None:
        self.hook.remove()


def random_state() -> list[Tensor]:
    """The state of every generator that torch draws from here."""
    graphics = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return [torch.get_rng_state(), *graphics]


def set_random_state(state: list[Tensor]) -> None:
    torch.set_rng_state(state[0])
    if len(state) > 1:
        torch.cuda.set_rng_state_all(state[1:])
