"""The three networks, each a plain BERT checkpoint of Hugging Face with a small end.

`intent` and `matching` are sequence classifiers, `encoder` is a BERT whose token vectors are
averaged. A folder of your own in that format works the same way.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForSequenceClassification,
    BertConfig,
    BertModel,
)

from triton_models.settings import LABELS, MAX_LENGTH, usable
from triton_models.training import adapters

HEAD = "head.safetensors"  # the pair model's last layer, beside the BERT
PAIR_DROPOUT = 0.1
MULTI = "multi_label_classification"
DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob")
HIDDEN = -1e4  # added to the attention of padding; fits FP16, where the usual minimum would not


def read(bert: nn.Module, ids: Tensor, mask: Tensor, types: Tensor | None = None):
    """Call a BERT with a ready mask: a smaller graph than the one its own checks would leave."""
    hidden = (1.0 - mask[:, None, None, :].to(torch.float32)) * HIDDEN
    types = torch.zeros_like(ids) if types is None else types
    return bert(input_ids=ids, attention_mask=hidden, token_type_ids=types)


class VectorModel(nn.Module):
    """Queries to unit vectors: float32 [batch, width], the mean over the real tokens."""

    def __init__(self, bert: nn.Module) -> None:
        super().__init__()
        self.bert = bert

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return unit_mean(read(self.bert, input_ids, attention_mask)[0], attention_mask)


class ProbabilityModel(nn.Module):
    """Queries to probabilities: float32 [batch, labels]; the temperature is in the last layer.

    Two notes in the checkpoint's config change it: with `"pooling": "mean"` the head sees the
    mean of the tokens instead of [CLS], which suits a BERT that was trained for that, and with
    the problem type `MULTI` each label has a probability of its own.
    """

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier
        self.mean = getattr(classifier.config, "pooling", "cls") == "mean"
        self.multi = classifier.config.problem_type == MULTI

    def logits(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        if not self.mean:
            return read(self.classifier, input_ids, attention_mask).logits
        pooled = self.pooled(input_ids, attention_mask)
        return self.classifier.classifier(self.classifier.dropout(pooled))

    def pooled(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """What the head sees with pooling "mean": [batch, width]."""
        states = read(self.classifier.base_model, input_ids, attention_mask)[0]
        return masked_mean(states, attention_mask)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        logits = self.logits(input_ids, attention_mask)
        return logits.sigmoid() if self.multi else logits.softmax(dim=-1)


class ScoreModel(nn.Module):
    """Pairs (query, term) to scores between 0 and 1, float32 [batch, 1], by a classifier."""

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier

    def logits(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        return read(self.classifier, input_ids, attention_mask, token_type_ids).logits

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        return self.logits(input_ids, attention_mask, token_type_ids).sigmoid()


class PairModel(ScoreModel):
    """The same by comparing the two texts' mean states, after each has read the other.

    It begins as a threshold on their cosine, which is what the encoder it starts from knows.
    """

    def __init__(self, bert: nn.Module) -> None:
        nn.Module.__init__(self)
        self.bert = bert
        self.width = bert.config.hidden_size
        self.dropout = nn.Dropout(PAIR_DROPOUT)
        self.head = nn.Linear(2 * self.width + 1, 1)
        with torch.no_grad():
            self.head.weight.zero_()
            self.head.weight[0, -1], self.head.bias[0] = 10.0, -7.0

    def logits(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        states = read(self.bert, input_ids, attention_mask, token_type_ids)[0]
        term = attention_mask * token_type_ids
        a, b = unit_mean(states, attention_mask - term), unit_mean(states, term)
        product = a * b
        compared = torch.cat((product * self.width, (a - b).abs() * self.width**0.5), dim=-1)
        cosine = product.sum(dim=-1, keepdim=True)
        return self.head(torch.cat((self.dropout(compared), cosine), dim=-1))


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
        network = _network(folder, kind)
        adapters.restore(network, folder)
        return network


def classifier(
    folder: Path,
    names: Sequence[str],
    pooling: str = "cls",
    multi: bool = False,
    dropout: float | None = None,
) -> ProbabilityModel:
    """A classifier with labels of your own on a checkpoint's BERT; the head is new.

    `pooling` and `multi` as in `ProbabilityModel`; `dropout` instead of the checkpoint's.
    """
    changed = {} if dropout is None else dict.fromkeys(DROPOUTS, dropout)
    with usable(folder, "give the folder of a BERT checkpoint"):
        config = AutoConfig.from_pretrained(
            folder,
            id2label=dict(enumerate(names)),
            label2id={name: i for i, name in enumerate(names)},
            problem_type=f"{'multi' if multi else 'single'}_label_classification",
            **changed,
        )
        config.pooling = pooling  # the library leaves out what its own config does not know
        return ProbabilityModel(
            AutoModelForSequenceClassification.from_pretrained(
                folder, config=config, attn_implementation="eager", ignore_mismatched_sizes=True
            )
        )


def _network(folder: Path, kind: str) -> nn.Module:
    if kind == "encoder":
        return VectorModel(AutoModel.from_pretrained(folder, attn_implementation="eager"))
    if kind == "matching" and not is_classifier(folder):
        return _pair_model(folder)
    names = labels(folder) if kind == "intent" else ("score",)
    classifier = AutoModelForSequenceClassification.from_pretrained(
        folder,
        id2label=dict(enumerate(names)),
        label2id={label: i for i, label in enumerate(names)},
        attn_implementation="eager",
    )
    return ProbabilityModel(classifier) if kind == "intent" else ScoreModel(classifier)


def _pair_model(folder: Path) -> PairModel:
    dropout = dict.fromkeys(DROPOUTS, PAIR_DROPOUT)
    bert = AutoModel.from_pretrained(folder, attn_implementation="eager", **dropout)
    network = PairModel(bert)
    if (folder / HEAD).is_file():
        network.head.load_state_dict(load_file(folder / HEAD))
    return network


def is_classifier(folder: Path) -> bool:
    """Whether a checkpoint ends in a trained classifier."""
    config = json.loads((folder / "config.json").read_text())
    return "SequenceClassification" in " ".join(config.get("architectures") or ())


def labels(folder: Path) -> tuple[str, ...]:
    """The labels of a trained classifier, in the order of its outputs, else our five."""
    config = json.loads((folder / "config.json").read_text())
    if "SequenceClassification" in " ".join(config.get("architectures") or ()):
        return tuple(
            name for _, name in sorted(config["id2label"].items(), key=lambda x: int(x[0]))
        )
    return LABELS


def is_multi(folder: Path) -> bool:
    """Whether each label of a trained classifier has a probability of its own."""
    return json.loads((folder / "config.json").read_text()).get("problem_type") == MULTI


def quiet() -> None:
    """No progress bars and notes of the library on loading; errors are raised all the same."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


def save(network: nn.Module, folder: Path) -> None:
    """Write the checkpoint (config.json, model.safetensors) that `load` reads."""
    inner = network.classifier if hasattr(network, "classifier") else network.bert
    inner.save_pretrained(folder)
    if isinstance(network, PairModel):
        save_file(network.head.state_dict(), folder / HEAD)
    else:
        (folder / HEAD).unlink(missing_ok=True)  # of another run that was here


def cut(folder: Path, layers: tuple[int, ...], pieces: list[int]) -> VectorModel:
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
    return VectorModel(small)


def _buffers(model: nn.Module) -> dict[str, Tensor]:
    """The model's own position ids and the like, which the larger one has in another length."""
    return dict(model.named_buffers())
