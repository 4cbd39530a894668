"""How much of a network is trained: seven ways, from the head alone to every weight.

| how | trained | afterwards |
|---|---|---|
| `frozen` | the head | an ordinary checkpoint |
| `full` | everything | an ordinary checkpoint |
| `gradual` | the head, then layer by layer from the top down | an ordinary checkpoint |
| `lora` | low-rank changes of the layers' weights, and the head | merged into the weights |
| `adalora` | the same, the rank going where it helps | merged into the weights |
| `adapters` | a bottleneck after each attention and feed-forward part, and the head | kept beside |
| `prefix` | learned keys and values before each layer's own, and the head | kept beside |

Every one of them exports to ONNX like any checkpoint.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from triton_models.settings import UsageError
from triton_models.training import adapters, families
from triton_models.training.families import LAYER, TARGETS

UNFROZEN_BY = 0.5  # share of the training after which `gradual` trains everything
SIZES = {"lora": 16, "adalora": 8, "adapters": 64, "prefix": 16}
TABLES = re.compile(r"(word|tok)_embeddings")
ORTHOGONAL = 0.1  # weight of AdaLoRA's penalty


@dataclass(frozen=True)
class Adaptation:
    """What to train, and how fast each part.

    Attributes:
        how: one of `WAYS`.
        size: the rank, the adapters' width or the prefix' length; 0 takes that of `SIZES`.
        layer_decay: the rate of a layer, as a multiple of the rate of the layer above it.
        head_rate: the learning rate of the head; None takes the schedule's.
        table_rate: the same of the word embeddings, besides `layer_decay`.
    """

    how: str = "full"
    size: int = 0
    layer_decay: float = 1.0
    head_rate: float | None = None
    table_rate: float = 1.0


class Adapted:
    """A network made ready for training; this one trains everything."""

    def __init__(self, network: nn.Module, settings: Adaptation, steps: int) -> None:
        self.network, self.settings, self.steps = network, settings, steps
        bert = adapters.backbone(network)
        self.layers = len(families.of(bert.config).layers(bert))
        self.prepare()

    def prepare(self) -> None:
        """Change the network, and switch off the weights that are never trained."""

    def groups(self, rate: float, weight_decay: float) -> list[dict]:
        """The optimizer's parameter groups; biases and norms are not decayed."""
        groups: dict[tuple[float, float], list] = {}
        for name, weight in self.learning():
            decay = weight_decay if weight.ndim > 1 else 0.0
            groups.setdefault((self.rate(name, rate), decay), []).append(weight)
        return [{"params": p, "lr": r, "weight_decay": d} for (r, d), p in groups.items()]

    def learning(self) -> Iterator[tuple[str, nn.Parameter]]:
        """The weights that are trained at some time."""
        return ((n, p) for n, p in self.network.named_parameters() if p.requires_grad)

    def rate(self, name: str, highest: float) -> float:
        """The learning rate of a weight, where the schedule's is `highest`."""
        level = self.level(name)
        if level > self.layers:
            return self.settings.head_rate or highest
        table = self.settings.table_rate if TABLES.search(name) else 1.0
        return highest * table * self.settings.layer_decay ** (self.layers - level)

    def level(self, name: str) -> int:
        """0 for the embeddings, 1 to `layers` from the bottom up, then the head."""
        if found := LAYER.search(name):
            return int(found[1]) + 1
        if "final_norm" in name:  # of ModernBERT, after the last layer
            return self.layers
        return 0 if "embeddings." in name else self.layers + 1

    def before(self, step: int) -> None:
        """Called before each step, counted from 0."""

    def penalty(self) -> Tensor | float:
        """Added to the loss."""
        return 0.0

    def after(self, step: int) -> None:
        """Called after each step of the optimizer, the gradients still being there."""

    def state(self) -> Any:
        """What a resumed run needs besides the weights."""
        return None

    def resume(self, state: Any) -> None: ...

    def finish(self) -> None:
        """Make the network one that can be saved and exported."""
        self.network.requires_grad_(True)


class Frozen(Adapted):
    """Trains the head; the BERT answers as it is served, without dropout."""

    def prepare(self) -> None:
        bert = adapters.backbone(self.network)
        for name, weight in self.network.named_parameters():
            weight.requires_grad_(self.level(name) > self.layers)
        families.drop_out(bert, 0.0)


class Gradual(Adapted):
    """Trains the head first, then more layers from the top down, the embeddings last.

    An encoder, which has no head, begins with its top layer.
    """

    lowest = -1

    def before(self, step: int) -> None:
        top = self.layers + (hasattr(self.network, "head") or hasattr(self.network, "classifier"))
        opened = int(step / self.steps / UNFROZEN_BY * top)
        lowest = max(0, top - opened)
        if lowest != self.lowest:
            self.lowest = lowest
            for name, weight in self.network.named_parameters():
                weight.requires_grad_(self.level(name) >= lowest)


class Inserted(Adapted):
    """Adapters or prefixes, with the head; with adapters the norms as well."""

    def prepare(self) -> None:
        how = self.settings.how
        self.network.requires_grad_(False)
        new = adapters.insert(self.network, how, self.settings.size or SIZES[how])
        for weight in new:
            weight.requires_grad_(True)
        for name, weight in self.network.named_parameters():
            norm = how == "adapters" and "norm" in name.lower() and self.level(name) > 0
            if norm or self.level(name) > self.layers:
                weight.requires_grad_(True)


class LowRank(Adapted):
    """LoRA by peft on every matrix of the layers; merged into them in the end."""

    def prepare(self) -> None:
        peft = _peft()
        tuner = peft.LoraModel if self.settings.how == "lora" else peft.AdaLoraModel
        self.tuner = tuner(self.network, {"default": self.config(peft)}, "default")
        for name, weight in self.network.named_parameters():
            weight.requires_grad_("lora_" in name or self.level(name) > self.layers)

    def config(self, peft):
        size = self.settings.size or SIZES["lora"]
        return peft.LoraConfig(r=size, lora_alpha=2 * size, target_modules=TARGETS)

    def finish(self) -> None:
        self.tuner.merge_and_unload()
        super().finish()


class AdaptiveRank(LowRank):
    """AdaLoRA: begins with more rank than it may keep, and takes away what matters least."""

    def config(self, peft):
        size = self.settings.size or SIZES["adalora"]
        return peft.AdaLoraConfig(
            init_r=3 * size // 2,
            target_r=size,
            lora_alpha=2 * size,
            tinit=self.steps // 10,
            tfinal=max(1, self.steps // 3),
            deltaT=max(1, self.steps // 200),
            total_step=max(self.steps, 4),
            target_modules=TARGETS,
        )

    def penalty(self) -> Tensor | float:
        """How far the factors are from orthogonal."""
        found = []
        for name, weight in self.network.named_parameters():
            if "lora_A" in name or "lora_B" in name:
                square = weight @ weight.T if "lora_A" in name else weight.T @ weight
                found.append(torch.linalg.norm(square - torch.eye(len(square)).to(square)))
        return ORTHOGONAL * torch.stack(found).mean()

    def after(self, step: int) -> None:
        self.tuner.update_and_allocate(step + 1)

    def state(self) -> Any:
        ranks = self.tuner.rankallocator
        means = {name: getattr(ranks, name) for name in ("ipt", "exp_avg_ipt", "exp_avg_unc")}
        pattern = self.tuner.peft_config["default"].rank_pattern
        return copy.deepcopy({"means": means, "pattern": pattern})

    def resume(self, state: Any) -> None:
        for name, values in state["means"].items():
            setattr(self.tuner.rankallocator, name, values)
        self.tuner.peft_config["default"].rank_pattern = state["pattern"]


WAYS: dict[str, type[Adapted]] = {
    "frozen": Frozen,
    "full": Adapted,
    "gradual": Gradual,
    "lora": LowRank,
    "adalora": AdaptiveRank,
    "adapters": Inserted,
    "prefix": Inserted,
}


def adapt(network: nn.Module, settings: Adaptation, steps: int) -> Adapted:
    """Make a network ready to be trained in `settings.how`, in `steps` steps.

    Raises UsageError for an unknown way, or when peft is needed and not installed.
    """
    if settings.how not in WAYS:
        raise UsageError(f"{settings.how!r}: no such way to train; one of {', '.join(WAYS)}")
    inner = network.bert if hasattr(network, "bert") else network.classifier
    if settings.how in SIZES and getattr(inner.config, "adaptation", None):
        raise UsageError("the checkpoint has adapters already: train on with --how full or frozen")
    return WAYS[settings.how](network, settings, steps)


def _peft():
    try:
        import peft
    except ModuleNotFoundError:
        raise UsageError(
            "peft is not installed: `make install-training` adds what LoRA needs"
        ) from None
    return peft
