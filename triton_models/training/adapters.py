"""Small trainable parts inside a frozen BERT: bottleneck adapters and attention prefixes.

They cannot be folded into the weights, so a checkpoint keeps them beside these, under names of
their own, and says so in its config.json (`"adaptation"`); `networks.load` puts them back.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from triton_models.settings import UsageError
from triton_models.training import families

SPREAD = 0.02  # standard deviation of new prefixes and adapters


class Bottleneck(nn.Module):
    """An adapter after the attention or the feed-forward part, around the module that ended it.

    Its last layer begins at zero, so that the network begins as it was without it.
    """

    def __init__(self, before: nn.Module, width: int, size: int) -> None:
        super().__init__()
        self.dropout = before
        self.down = nn.Linear(width, size)
        self.up = nn.Linear(size, width)
        nn.init.normal_(self.down.weight, std=SPREAD)
        nn.init.zeros_(self.down.bias)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, states: Tensor) -> Tensor:
        states = self.dropout(states)
        return states + self.up(nn.functional.gelu(self.down(states)))


class PrefixedAttention(nn.Module):
    """BERT's self-attention, with `length` learned keys and values before the text's own."""

    def __init__(self, attention: nn.Module, length: int) -> None:
        super().__init__()
        self.query, self.key, self.value = attention.query, attention.key, attention.value
        self.dropout, self.heads = attention.dropout, attention.num_attention_heads
        width = self.key.out_features
        self.prefix_keys = nn.Parameter(torch.randn(1, length, width) * SPREAD)
        self.prefix_values = nn.Parameter(torch.randn(1, length, width) * SPREAD)

    def forward(
        self, hidden_states: Tensor, attention_mask: Tensor | None = None, **_
    ) -> tuple[Tensor, Tensor]:
        query, key, value = (
            self._split(part(hidden_states)) for part in (self.query, self.key, self.value)
        )
        prefix = self._split(self.prefix_keys)
        scale = query.shape[-1] ** -0.5
        own = query @ key.transpose(-1, -2) * scale
        if attention_mask is not None:
            own = own + attention_mask
        before = query @ prefix.transpose(-1, -2) * scale
        weights = self.dropout(torch.cat((before, own), dim=-1).softmax(dim=-1))
        length = prefix.shape[2]
        found = weights[..., :length] @ self._split(self.prefix_values)
        found = found + weights[..., length:] @ value
        return found.transpose(1, 2).flatten(2), weights

    def _split(self, states: Tensor) -> Tensor:
        """[batch, length, width] to [batch, heads, length, width / heads]."""
        return states.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def backbone(network: nn.Module) -> nn.Module:
    """The BERT inside one of our networks."""
    return network.bert if hasattr(network, "bert") else network.classifier.base_model


def insert(network: nn.Module, how: str, size: int) -> list[nn.Parameter]:
    """Put adapters (`size` wide) or prefixes (`size` long) into every layer.

    The config notes it for the checkpoint. Returns the new parameters.
    """
    bert = backbone(network)
    family = families.of(bert.config)
    if how == "prefix" and not family.prefixes:
        raise UsageError(f"a {family.name} has no prefixes here: choose another --how")
    width, old = bert.config.hidden_size, set(network.parameters())
    for layer in family.layers(bert):
        if how == "prefix":
            layer.attention.self = PrefixedAttention(layer.attention.self, size)
        else:
            for module, name in family.bottlenecks(layer):
                setattr(module, name, Bottleneck(getattr(module, name), width, size))
    bert.config.adaptation = {"how": how, "size": size}
    return [p for p in network.parameters() if p not in old]


def restore(network: nn.Module, folder: Path) -> None:
    """Put back what a checkpoint's config says was inserted, with its trained weights."""
    inner = network.bert if hasattr(network, "bert") else network.classifier
    if not (noted := getattr(inner.config, "adaptation", None)):
        return
    insert(network, noted["how"], noted["size"])
    inner.load_state_dict(load_file(folder / "model.safetensors"), strict=False)
