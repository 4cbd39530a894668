"""What the networks of all kinds share: each is a plain BERT checkpoint of Hugging Face with a
small head. A folder of your own in that format works the same way.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    BertConfig,
    BertModel,
    PretrainedConfig,
)

from triton_models.kinds import KINDS
from triton_models.settings import LABELS, MAX_LENGTH, usable
from triton_models.training import adapters

HEAD = "head.safetensors"  # a head that is not the library's own, beside the BERT
ONE_SCORE = ("score",)  # the labels of a classifier that scores pairs
DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob")
HIDDEN = -1e4  # added to the attention of padding; fits FP16, where the usual minimum would not


def read(bert: nn.Module, ids: Tensor, mask: Tensor, types: Tensor | None = None):
    """Call a BERT with a ready mask: a smaller graph than the one its own checks would leave."""
    hidden = (1.0 - mask[:, None, None, :].to(torch.float32)) * HIDDEN
    types = torch.zeros_like(ids) if types is None else types
    return bert(input_ids=ids, attention_mask=hidden, token_type_ids=types)


def unit_mean(states: Tensor, mask: Tensor) -> Tensor:
    """The mean of the masked token states, as a unit vector: [batch, width]."""
    return nn.functional.normalize(masked_mean(states, mask), dim=-1)


def masked_mean(states: Tensor, mask: Tensor) -> Tensor:
    """The mean of the masked token states: [batch, width]."""
    weights = mask.unsqueeze(-1).to(states.dtype)
    return (states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1.0)


def load(folder: Path, kind: str) -> nn.Module:
    """The network of a checkpoint folder, made for `kind`; a missing end starts untrained.

    Raises UsageError for a folder that holds no BERT checkpoint.
    """
    with usable(folder, "give the folder of a BERT checkpoint"):
        network = KINDS[kind].part("network").load(folder)
        adapters.restore(network, folder)
        return network


def kind_of(folder: Path) -> str:
    """The kind of model that a checkpoint was trained for."""
    with usable(folder, "give the folder of a BERT checkpoint"):
        return next(n for n, kind in KINDS.items() if kind.part("network").trained(folder))


def config_of(
    folder: Path, names: Sequence[str], dropout: float | None = None, **more: Any
) -> PretrainedConfig:
    """A checkpoint's config with these labels, and `dropout` instead of its own if given."""
    return AutoConfig.from_pretrained(
        folder,
        id2label=dict(enumerate(names)),
        label2id={name: i for i, name in enumerate(names)},
        **({} if dropout is None else dict.fromkeys(DROPOUTS, dropout)),
        **more,
    )


def sequence_classifier(folder: Path, names: Sequence[str]) -> nn.Module:
    """The library's classifier of a whole sequence, with these outputs."""
    return AutoModelForSequenceClassification.from_pretrained(
        folder, config=config_of(folder, names), attn_implementation="eager"
    )


def architecture(folder: Path) -> str:
    """The class that a checkpoint was saved from, "" where its config does not say."""
    config = json.loads((folder / "config.json").read_text())
    return " ".join(config.get("architectures") or ())


def is_classifier(folder: Path) -> bool:
    """Whether a checkpoint ends in a trained classifier of whole sequences."""
    return "SequenceClassification" in architecture(folder)


def labels(folder: Path) -> tuple[str, ...]:
    """The labels of a trained classifier, in the order of its outputs, else our five."""
    config = json.loads((folder / "config.json").read_text())
    if "Classification" in architecture(folder):
        return tuple(
            name for _, name in sorted(config["id2label"].items(), key=lambda x: int(x[0]))
        )
    return LABELS


def quiet() -> None:
    """No progress bars and notes of the library on loading; errors are raised all the same."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


def save(network: nn.Module, folder: Path) -> None:
    """Write the checkpoint (config.json, model.safetensors) that `load` reads."""
    inner = network.classifier if hasattr(network, "classifier") else network.bert
    inner.save_pretrained(folder)
    if hasattr(network, "head"):
        save_file(network.head.state_dict(), folder / HEAD)
    else:
        (folder / HEAD).unlink(missing_ok=True)  # of another run that was here


def cut(folder: Path, layers: tuple[int, ...], pieces: list[int]) -> BertModel:
    """A smaller BERT made of the chosen layers and vocabulary pieces of a larger one."""
    large = BertModel.from_pretrained(folder, add_pooling_layer=True)
    settings = large.config.to_dict() | {
        "num_hidden_layers": len(layers),
        "vocab_size": len(pieces),
        "max_position_embeddings": MAX_LENGTH,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }
    small = BertModel(BertConfig.from_dict(settings), add_pooling_layer=True)
    weights = {name: w for name, w in large.state_dict().items() if "encoder.layer." not in name}
    for new, old in enumerate(layers):
        small.encoder.layer[new].load_state_dict(large.encoder.layer[old].state_dict())
    words, places = "embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight"
    weights[words] = weights[words][torch.tensor(pieces)]
    weights[places] = weights[places][:MAX_LENGTH]
    small.load_state_dict(weights | _buffers(small), strict=False)
    return small


def _buffers(model: nn.Module) -> dict[str, Tensor]:
    """The model's own position ids and the like, which the larger one has in another length."""
    return dict(model.named_buffers())
