"""A toy BERT and toy queries for the tests of training."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from triton_models.__main__ import main
from triton_models.kinds.intent import classify
from triton_models.kinds.intent.examples import Example
from triton_models.kinds.intent.network import ProbabilityModel
from triton_models.kinds.intent.network import classifier as new_classifier
from triton_models.settings import STARTER

LABELS = ("ask", "buy", "look")
EXAMPLES = [
    Example(text, (label,))
    for text, label in [
        ("how long is delivery", "ask"),
        ("does it have a zip", "ask"),
        ("buy it now", "buy"),
        ("order two phones", "buy"),
        ("red shoes", "look"),
        ("garden chairs", "look"),
    ]
] * 4
LENGTHS = [len(e.text) for e in EXAMPLES]
COLORS, SIZES = ("red", "blue", "green", "black"), ("small", "large", "10 inch", "12 inch")


def write(folder: Path, layers: int = 2) -> Path:
    """A checkpoint 32 wide, with the tokenizer of the starter models."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer.from_file(str(STARTER / "encoder" / "tokenizer.json"))
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=48,
        initializer_range=0.2,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def classifier(folder: Path, **given) -> ProbabilityModel:
    """A new classifier on the toy BERT; the same one every time."""
    torch.manual_seed(2)
    return new_classifier(folder, LABELS, **given).eval()


def answers(network: ProbabilityModel, folder: Path) -> torch.Tensor:
    """Logits of the six queries."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return classify.logits(network.eval(), tokenizer, [e.text for e in EXAMPLES[:6]])


def loss(network, folder: Path, lesson: classify.Lesson | None = None) -> classify.Loss:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return classify.Loss(network, tokenizer, EXAMPLES, LABELS, lesson or classify.Lesson())


def trained(folder: Path, *given: object) -> Path:
    """The folder, with an intent model that is trained from a toy as `given`: `run`, and the model
    folder `models/intent`."""
    start, run = write(folder / "toy"), folder / "run"
    options = ["--start", start, "--out", run, "--dropout", 0, "--rate", 0.003, "--threads", 1]
    assert main(["finetune", "intent", *map(str, [*given, *options])]) == 0
    out = str(folder / "models" / "intent")
    assert main(["export", str(run), "--kind", "intent", "--out", out]) == 0
    return folder


def tagger(folder: Path) -> Path:
    """The folder, with a toy that has learned colours and sizes: its data `mine.jsonl`, its `run`
    and its model folder `model`.
    """
    rows = []
    for color, size, thing in itertools.product(COLORS, SIZES, ("shoes", "lamp", "box")):
        text = f"{color} {thing} {size}"
        ends = [(0, len(color), "color"), (len(text) - len(size), len(text), "size")]
        spans = [{"start": a, "end": b, "tag": tag} for a, b, tag in ends]
        rows.append({"query": text, "spans": spans, "source": thing})
    (folder / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
    start, run = write(folder / "toy"), folder / "run"
    given = ["--queries", folder / "mine.jsonl", "--start", start, "--out", run, "--dropout", 0]
    given += ["--epochs", 12, "--rate", 0.003, "--batch", 8, "--threads", 1, "--consistency", 0.5]
    given += ["--misspelled", 0.1]
    assert main(["finetune", "tagging", *map(str, given)]) == 0
    assert main(["export", str(run), "--kind", "tagging", "--out", str(folder / "model")]) == 0
    return folder
