"""The families of encoders that are trained and served here: how each is called, and its parts.

| family | config's `model_type` | token types | positions |
|---|---|---|---|
| BERT | bert | where its table has two | from 0 |
| RoBERTa, XLM-R, CamemBERT | roberta, xlm-roberta, camembert | none | from the padding's id + 1 |
| DistilBERT | distilbert | none | from 0 |
| ModernBERT | modernbert | none | rotary, with windows of attention |

A family without token types reads a pair in its tokenizer's own format, and knows the second text
by the separator before it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig

from triton_models.settings import UsageError

HIDDEN = -1e4  # added to the attention of padding; fits FP16, where the usual minimum would not
LAYER = re.compile(r"(?:^|\.)(?:(?:encoder|transformer)\.layer|layers)\.(\d+)\.")
TARGETS = (  # of LoRA: every matrix of the layers
    r".*encoder\.layer\.\d+\.(attention\.self\.(query|key|value)|.*\.dense)"
    r"|.*transformer\.layer\.\d+\.(attention\.(q|k|v|out)_lin|ffn\.lin[12])"
    r"|.*layers\.\d+\.(attn\.(Wqkv|Wo)|mlp\.(Wi|Wo))"
)


class Bert:
    """BERT; the others say where they differ."""

    name = "BERT"
    dropouts = ("hidden_dropout_prob", "attention_probs_dropout_prob")  # in the config
    prefixes = True  # whether `--how prefix` knows its attention
    new_head = "cls.predictions.transform"  # begins the names of a head for masked words

    def token_types(self, config: PretrainedConfig) -> bool:
        """Whether it tells the texts of a pair by token types."""
        return config.type_vocab_size > 1

    def longest(self, config: PretrainedConfig) -> int:
        """Tokens that it has positions for."""
        return config.max_position_embeddings

    def arguments(self, config: PretrainedConfig, ids: Tensor, mask: Tensor) -> dict[str, Any]:
        """What its forward takes besides the ids, of a sequence that is no pair."""
        return {"attention_mask": hidden(mask), "token_type_ids": torch.zeros_like(ids)}

    def layers(self, bert: nn.Module) -> nn.ModuleList:
        return bert.encoder.layer

    def last(self, classifier: nn.Module) -> nn.Linear:
        """The last layer of a classifier of sequences."""
        return classifier.classifier

    def dropout(self, classifier: nn.Module) -> nn.Module:
        """What stands before its last layer."""
        return classifier.dropout

    def features(self, classifier: nn.Module, found: Any, mask: Tensor) -> Tensor:
        """What the last layer sees of the base model's output: [batch, width]."""
        return classifier.dropout(found.pooler_output)

    def words(self, model: nn.Module, states: Tensor) -> Tensor:
        """The logits of a model for masked words: [tokens, vocabulary]."""
        return model.cls(states)

    def bottlenecks(self, layer: nn.Module) -> list[tuple[nn.Module, str]]:
        """Where adapters stand in a layer: the module, and the name of the part they replace."""
        return [(layer.attention.output, "dropout"), (layer.output, "dropout")]

    def keep_layers(self, bert: nn.Module, kept: Sequence[int]) -> None:
        """Keep these layers, in this order; the config is changed too."""
        layers = self.layers(bert)
        chosen = [layers[i] for i in kept]
        del layers[:]
        layers.extend(chosen)
        bert.config.num_hidden_layers = len(kept)


class Roberta(Bert):
    name = "RoBERTa"
    new_head = "lm_head.dense"

    def token_types(self, config: PretrainedConfig) -> bool:
        return False

    def longest(self, config: PretrainedConfig) -> int:
        return config.max_position_embeddings - config.pad_token_id - 1

    def arguments(self, config: PretrainedConfig, ids: Tensor, mask: Tensor) -> dict[str, Any]:
        first = config.pad_token_id + 1
        places = torch.arange(first, first + ids.shape[1], device=ids.device)
        return super().arguments(config, ids, mask) | {"position_ids": places.expand_as(ids)}

    def last(self, classifier: nn.Module) -> nn.Linear:
        return classifier.classifier.out_proj

    def dropout(self, classifier: nn.Module) -> nn.Module:
        return classifier.classifier.dropout

    def features(self, classifier: nn.Module, found: Any, mask: Tensor) -> Tensor:
        head = classifier.classifier
        return head.dropout(torch.tanh(head.dense(head.dropout(found[0][:, 0]))))

    def words(self, model: nn.Module, states: Tensor) -> Tensor:
        return model.lm_head(states)


class DistilBert(Bert):
    name = "DistilBERT"
    dropouts = ("dropout", "attention_dropout", "seq_classif_dropout")
    prefixes = False
    new_head = "vocab_transform"

    def token_types(self, config: PretrainedConfig) -> bool:
        return False

    def arguments(self, config: PretrainedConfig, ids: Tensor, mask: Tensor) -> dict[str, Any]:
        return {"attention_mask": hidden(mask)}

    def layers(self, bert: nn.Module) -> nn.ModuleList:
        return bert.transformer.layer

    def features(self, classifier: nn.Module, found: Any, mask: Tensor) -> Tensor:
        return classifier.dropout(classifier.pre_classifier(found[0][:, 0]).relu())

    def words(self, model: nn.Module, states: Tensor) -> Tensor:
        states = model.activation(model.vocab_transform(states))
        return model.vocab_projector(model.vocab_layer_norm(states))

    def bottlenecks(self, layer: nn.Module) -> list[tuple[nn.Module, str]]:
        return [(layer.attention, "out_lin"), (layer.ffn, "dropout")]


class ModernBert(Bert):
    name = "ModernBERT"
    dropouts = ("embedding_dropout", "mlp_dropout", "attention_dropout", "classifier_dropout")
    prefixes = False
    new_head = "head"

    def token_types(self, config: PretrainedConfig) -> bool:
        return False

    def arguments(self, config: PretrainedConfig, ids: Tensor, mask: Tensor) -> dict[str, Any]:
        places = torch.arange(ids.shape[1], device=ids.device)
        far = (places[:, None] - places).abs() > config.sliding_window
        whole = hidden(mask)
        window = whole + far.to(whole.dtype) * HIDDEN
        return {"attention_mask": {"full_attention": whole, "sliding_attention": window}}

    def layers(self, bert: nn.Module) -> nn.ModuleList:
        return bert.layers

    def dropout(self, classifier: nn.Module) -> nn.Module:
        return classifier.drop

    def features(self, classifier: nn.Module, found: Any, mask: Tensor) -> Tensor:
        mean = classifier.config.classifier_pooling == "mean"
        pooled = masked_mean(found[0], mask) if mean else found[0][:, 0]
        return classifier.drop(classifier.head(pooled))

    def words(self, model: nn.Module, states: Tensor) -> Tensor:
        return model.decoder(model.head(states))

    def bottlenecks(self, layer: nn.Module) -> list[tuple[nn.Module, str]]:
        return [(layer.attn, "out_drop"), (layer.mlp, "Wo")]

    def keep_layers(self, bert: nn.Module, kept: Sequence[int]) -> None:
        if kept[0] != 0:  # which alone has no norm before its attention
            raise UsageError("a ModernBERT cannot do without its first layer: give --layers 0,…")
        super().keep_layers(bert, kept)
        bert.config.layer_types = [bert.config.layer_types[i] for i in kept]


FAMILIES: dict[str, Bert] = {
    "bert": Bert(),
    **dict.fromkeys(("roberta", "xlm-roberta", "camembert"), Roberta()),
    "distilbert": DistilBert(),
    "modernbert": ModernBert(),
}


def of(config: PretrainedConfig) -> Bert:
    """The family of a network. Raises UsageError, as `require` does."""
    return _named(config.model_type, "the checkpoint")


def require(folder: Path) -> Bert:
    """The family of a checkpoint folder.

    Raises UsageError that names the `model_type` of one that is none of these.
    """
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        found = config.get("model_type", "bert")
    except (OSError, ValueError, AttributeError):
        raise UsageError(
            f"{folder}: no config.json of a checkpoint in it; give the folder of one"
        ) from None
    return _named(found, str(folder))


def _named(kind: str, blamed: str) -> Bert:
    if kind not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise UsageError(
            f"{blamed}: a model of type {kind!r}, which cannot be served; give a checkpoint of"
            f" one of the types {known}"
        )
    return FAMILIES[kind]


def hidden(mask: Tensor) -> Tensor:
    """What is added to the attention, [batch, 1, 1, length]: a smaller graph than the library's
    own check of a mask would leave.
    """
    return (1.0 - mask[:, None, None, :].to(torch.float32)) * HIDDEN


def masked_mean(states: Tensor, mask: Tensor) -> Tensor:
    """The mean of the masked token states: [batch, width]."""
    weights = mask.unsqueeze(-1).to(states.dtype)
    return (states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1.0)


def read(bert: nn.Module, ids: Tensor, mask: Tensor, types: Tensor | None = None) -> Any:
    """The output of a base model, or of one with a head for tokens, for ids [batch, length]."""
    given = of(bert.config).arguments(bert.config, ids, mask)
    return bert(input_ids=ids, **given | ({} if types is None else {"token_type_ids": types}))


def features(
    classifier: nn.Module, ids: Tensor, mask: Tensor, types: Tensor | None = None
) -> Tensor:
    """What the last layer of a classifier of sequences sees: [batch, width]."""
    found = read(classifier.base_model, ids, mask, types)
    return of(classifier.config).features(classifier, found, mask)


def last(classifier: nn.Module) -> nn.Linear:
    """The last layer of a classifier of sequences or tokens."""
    found = classifier.classifier
    return found if isinstance(found, nn.Linear) else of(classifier.config).last(classifier)


def drop_out(network: nn.Module, share: float) -> None:
    """Set every dropout of a network."""
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = share
        elif isinstance(getattr(module, "attention_dropout", None), float):  # of ModernBERT
            module.attention_dropout = share
