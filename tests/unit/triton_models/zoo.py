"""Tiny untrained checkpoints of every family of encoders, each with a tokenizer of its kind."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    AutoModel,
    BertConfig,
    CamembertConfig,
    DistilBertConfig,
    ModernBertConfig,
    RobertaConfig,
    XLMRobertaConfig,
)

from triton_models.settings import STARTER
from triton_models.training.vocabulary import bare_tokenizer

TEXTS = [
    *("red running shoes", "where is my order", "blue hat for men", "größe 42 schuhe", "a b c d e"),
    *("jeans azul para mujer", "chaussures d'été", "red shoes", "my order is late", "buy it now"),
]
SIZES = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48)
SPREAD = dict(initializer_range=0.3)
S = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
IDS = dict(pad_token_id=1, bos_token_id=0, eos_token_id=2)


def word_pieces() -> Tokenizer:
    return Tokenizer.from_file(str(STARTER / "encoder" / "tokenizer.json"))


def bytes_in_pairs() -> Tokenizer:
    """Byte-level BPE, as RoBERTa has it."""
    found = Tokenizer(models.BPE())
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    found.train_from_iterator(
        TEXTS, trainers.BpeTrainer(vocab_size=320, initial_alphabet=alphabet, special_tokens=S)
    )
    found.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return found


def sentence_pieces() -> Tokenizer:
    """Unigram, as XLM-R has it."""
    found = Tokenizer(models.Unigram())
    found.normalizer = normalizers.NFKC()
    found.pre_tokenizer = pre_tokenizers.Metaspace()
    found.train_from_iterator(
        TEXTS, trainers.UnigramTrainer(vocab_size=120, special_tokens=S, unk_token="<unk>")
    )
    found.post_processor = processors.TemplateProcessing(
        "<s> $A </s>", "<s> $A </s> </s> $B </s>", [("<s>", 0), ("</s>", 2)]
    )
    return found


def modern() -> Tokenizer:
    """Byte-level BPE with BERT's special tokens at the end, as ModernBERT has it."""
    found = Tokenizer(models.BPE())
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    found.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet))
    found.add_special_tokens(["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"])
    cls, sep = found.token_to_id("[CLS]"), found.token_to_id("[SEP]")
    found.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", "[CLS] $A [SEP] $B [SEP]", [("[CLS]", cls), ("[SEP]", sep)]
    )
    return found


def _distil(**given):
    return DistilBertConfig(dim=32, n_layers=2, n_heads=2, hidden_dim=48, **given)


def _modern(tokenizer: Tokenizer):
    ids = {name: tokenizer.token_to_id(f"[{name.upper()}]") for name in ("pad", "cls", "sep")}
    given = {f"{name}_token_id": i for name, i in ids.items()}
    given |= dict(bos_token_id=ids["cls"], eos_token_id=ids["sep"], local_attention=8)
    given |= dict(global_attn_every_n_layers=2, classifier_pooling="mean")
    return ModernBertConfig(vocab_size=tokenizer.get_vocab_size(), **SIZES, **given)


FAMILIES = {
    "bert": (word_pieces, lambda n: BertConfig(vocab_size=n, **SIZES, **SPREAD)),
    "distilbert": (word_pieces, lambda n: _distil(vocab_size=n, **SPREAD)),
    "roberta": (
        bytes_in_pairs,
        lambda n: RobertaConfig(
            vocab_size=n, max_position_embeddings=74, type_vocab_size=1, **SIZES, **SPREAD, **IDS
        ),
    ),
    "xlm-roberta": (
        sentence_pieces,
        lambda n: XLMRobertaConfig(
            vocab_size=n, max_position_embeddings=74, type_vocab_size=1, **SIZES, **SPREAD, **IDS
        ),
    ),
    "camembert": (
        sentence_pieces,
        lambda n: CamembertConfig(
            vocab_size=n, max_position_embeddings=74, type_vocab_size=1, **SIZES, **SPREAD, **IDS
        ),
    ),
    "modernbert": (modern, None),
}


def write(folder: Path, family: str) -> Path:
    """A checkpoint 32 wide of two layers."""
    make, config_of = FAMILIES[family]
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = make()
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(1)
    config = config_of(tokenizer.get_vocab_size()) if config_of else _modern(tokenizer)
    model = AutoModel.from_config(config)
    if family == "modernbert":  # whose own start is too near zero to tell anything
        for weight in model.parameters():
            if weight.ndim > 1:
                torch.nn.init.normal_(weight, std=0.3)
    model.save_pretrained(folder)
    assert json.loads((folder / "config.json").read_text())["model_type"] == family
    assert bare_tokenizer(folder).get_vocab_size() <= config.vocab_size
    return folder
