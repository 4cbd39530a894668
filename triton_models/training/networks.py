"""What the networks of all kinds share: each is a plain checkpoint of Hugging Face, of one of the
`families`, with a small head. A folder of your own in that format works the same way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    PretrainedConfig,
)

from triton_models.kinds import KINDS
from triton_models.settings import LABELS, MAX_LENGTH, usable
from triton_models.training import adapters, families
from triton_models.training.families import masked_mean
from triton_models.training.vocabulary import bare_tokenizer

PRODUCT_TEXT = "product_text"  # in the config: the template of the products that were learned
LENGTH = "sequence_length"  # in the config: the tokens that a run was trained for
TOKENS = tuple(f"{name}_token_id" for name in ("pad", "bos", "eos", "cls", "sep", "mask"))
HEAD = "head.safetensors"  # a head that is not the library's own, beside the BERT
HEADS = {"head": HEAD, "tags": "tags.safetensors"}  # all of them: the module's name, its file
ONE_SCORE = ("score",)  # the labels of a classifier that scores pairs


def unit_mean(states: Tensor, mask: Tensor) -> Tensor:
    """The mean of the masked token states, as a unit vector: [batch, width]."""
    return nn.functional.normalize(masked_mean(states, mask), dim=-1)


def load(folder: Path, kind: str) -> nn.Module:
    """The network of a checkpoint folder, made for `kind`; a missing end starts untrained.

    Raises UsageError for a folder that holds no BERT checkpoint.
    """
    families.require(folder)
    with usable(folder, "give the folder of a BERT checkpoint"):
        network = KINDS[kind].part("network").load(folder)
        adapters.restore(network, folder)
        return network


def kind_of(folder: Path) -> str:
    """The kind of model that a checkpoint was trained for; ours are asked after those of others, of
    whose heads they know nothing.
    """
    with usable(folder, "give the folder of a BERT checkpoint"):
        kinds = reversed(KINDS.items())
        return next(name for name, kind in kinds if kind.part("network").trained(folder))


def config_of(
    folder: Path, names: Sequence[str], dropout: float | None = None, **more: Any
) -> PretrainedConfig:
    """A checkpoint's config with these labels, and `dropout` instead of its own if given."""
    return AutoConfig.from_pretrained(
        folder,
        id2label=dict(enumerate(names)),
        label2id={name: i for i, name in enumerate(names)},
        **dropouts(folder, dropout),
        **more,
    )


def dropouts(folder: Path, share: float | None) -> dict[str, float]:
    """The dropouts of a checkpoint's config, all with this share; None changes none."""
    return {} if share is None else dict.fromkeys(families.require(folder).dropouts, share)


def sequence_classifier(folder: Path, names: Sequence[str]) -> nn.Module:
    """The library's classifier of a whole sequence, with these outputs."""
    return AutoModelForSequenceClassification.from_pretrained(
        folder, config=config_of(folder, names), attn_implementation="eager"
    )


def config(folder: Path) -> dict[str, Any]:
    """A checkpoint's config.json."""
    return json.loads((folder / "config.json").read_text())


def architecture(folder: Path) -> str:
    """The class that a checkpoint was saved from, "" where its config does not say."""
    return " ".join(config(folder).get("architectures") or ())


def is_classifier(folder: Path) -> bool:
    """Whether a checkpoint ends in a trained classifier of whole sequences."""
    return "SequenceClassification" in architecture(folder)


def labels(folder: Path) -> tuple[str, ...]:
    """The labels of a trained classifier, in the order of its outputs, else our five."""
    if "Classification" in architecture(folder):
        names = config(folder)["id2label"].items()
        return tuple(name for _, name in sorted(names, key=lambda x: int(x[0])))
    return LABELS


def quiet() -> None:
    """No progress bars and notes of the library on loading; errors are raised all the same."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


def save(network: nn.Module, folder: Path) -> None:
    """Write the checkpoint (config.json, model.safetensors) that `load` reads."""
    inner = network.classifier if hasattr(network, "classifier") else network.bert
    inner.save_pretrained(folder)
    if hasattr(network, "save_notes"):
        network.save_notes(folder)
    for name, file in HEADS.items():
        if hasattr(network, name):
            save_file(getattr(network, name).state_dict(), folder / file)
        else:
            (folder / file).unlink(missing_ok=True)  # of another run that was here


def cut(bert: nn.Module, layers: Sequence[int], pieces: Sequence[int]) -> None:
    """Keep the chosen layers and vocabulary pieces of a base model, and as many positions as its
    length asks for; in place, with its config.
    """
    config, family = bert.config, families.of(bert.config)
    family.keep_layers(bert, layers)
    place = {old: new for new, old in enumerate(pieces)}
    surplus = max(0, family.longest(config) - length_of(config))
    if tables := [m for n, m in bert.named_modules() if n.endswith("position_embeddings")]:
        rows = torch.arange(config.max_position_embeddings - surplus)
        _keep_rows(tables[0], rows)
        config.max_position_embeddings = len(rows)
    _keep_rows(bert.get_input_embeddings(), torch.tensor(pieces), place)
    config.vocab_size = len(pieces)
    for name in TOKENS:
        if (old := getattr(config, name, None)) in place:
            setattr(config, name, place[old])


def _keep_rows(table: nn.Embedding, rows: Tensor, place: Mapping[int, int] | None = None) -> None:
    """Keep these rows of a table; `place` says where its padding goes, if it moves."""
    table.weight = nn.Parameter(table.weight.detach()[rows].clone())
    table.num_embeddings = len(rows)
    if place is not None and table.padding_idx is not None:
        table.padding_idx = place.get(table.padding_idx)


def length_of(config: PretrainedConfig) -> int:
    """The tokens that a checkpoint is served with: those it was trained for, else MAX_LENGTH; no
    more than it has positions.
    """
    wanted = getattr(config, LENGTH, None) or MAX_LENGTH
    return min(wanted, families.of(config).longest(config))


def product_text(folder: Path) -> dict[str, str]:
    """What model.json says of products; {} where titles are read as they are."""
    template = config(folder).get(PRODUCT_TEXT)
    return {PRODUCT_TEXT: template} if template else {}


def config_in(network: nn.Module) -> PretrainedConfig:
    """The config of the checkpoint inside one of our networks."""
    return adapters.backbone(network).config


def tokenizer_of(folder: Path) -> Tokenizer:
    """The tokenizer of a checkpoint, which cuts to the length that it was trained for."""
    found = bare_tokenizer(folder)
    found.enable_truncation(length_of(AutoConfig.from_pretrained(folder)))
    return found


def inputs_of(network: nn.Module, kind: str) -> tuple[str, ...]:
    """The names of a network's inputs."""
    return getattr(network, "inputs", KINDS[kind].inputs)
