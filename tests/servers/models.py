"""Tiny models with the contract of the real ones: built in milliseconds, and fp32, so that an
answer does not depend on the rows beside it. `expected` is the same arithmetic in NumPy.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from triton_models.contract import ModelContract, load_all, sha256
from triton_models.kinds import KINDS

WORDS = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "red", "blue", "running", "shoes", "sneakers"),
    *("boots", "where", "is", "my", "order"),
]
LABELS = ["purchase", "browse", "inquiry", "complaint", "other"]
WIDTH = 16
TAGS = ["O", "B-color", "I-color", "B-product", "I-product"]  # of the intent model
TAG_OUTPUT = "tag_probabilities"
OUTPUTS = {"intent": ("probabilities", 5), "encoder": ("vector", 6), "matching": ("score", 1)}


def build(models: Path) -> tuple[ModelContract, ...]:
    """Write three tiny model folders below `models` and read them back."""
    for kind in OUTPUTS:
        folder = models / kind
        folder.mkdir(parents=True)
        _tokenizer().save(str(folder / "tokenizer.json"))
        onnx.save(_graph(kind), str(folder / "model.onnx"))
        (folder / "CARD.md").write_text("A tiny model of the tests.\n")
        (folder / "model.json").write_text(json.dumps(_description(kind, folder)))
    return load_all(models)


def batch(contract: ModelContract, rows: int, length: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Random inputs of shape [rows, length]; the first row is full, others end in padding."""
    random = np.random.default_rng(seed)
    lengths = random.integers(3, length + 1, size=rows)
    lengths[0] = length
    mask = (np.arange(length) < lengths[:, None]).astype(np.int64)
    ids = random.integers(1, len(WORDS), size=(rows, length)) * mask
    types = (np.arange(length) >= lengths[:, None] // 2) * mask
    tensors = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
    return {name: tensors[name] for name in contract.inputs}


def expected(contract: ModelContract, inputs: dict[str, np.ndarray]) -> np.ndarray:
    """What the tiny model answers, float32 [batch, dimension]."""
    words, types, head = _weights(contract.kind)
    hidden = words[inputs["input_ids"]]
    if "token_type_ids" in inputs:
        hidden = hidden + types[inputs["token_type_ids"]]
    mask = inputs["attention_mask"][..., None].astype(np.float32)
    with np.errstate(invalid="ignore"):  # a row without a token has no answer: not a number
        pooled = (hidden * mask).sum(axis=1) / mask.sum(axis=1)
    logits = pooled @ head
    if contract.kind == "intent":
        return _softmax(logits)
    if contract.kind == "encoder":
        return logits / np.linalg.norm(logits, axis=1, keepdims=True)
    return 1 / (1 + np.exp(-logits))


def expected_tags(inputs: dict[str, np.ndarray]) -> np.ndarray:
    """What the tiny intent model says of the tokens, float32 [batch, length, tags]."""
    words, _, _ = _weights("intent")
    return _softmax(words[inputs["input_ids"]] @ _tag_weights())


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _tag_weights() -> np.ndarray:
    return np.random.default_rng(9).normal(size=(WIDTH, len(TAGS))).astype(np.float32)


def _description(kind: str, folder: Path) -> dict:
    output, dimension = OUTPUTS[kind]
    fields = {
        "name": kind,
        "version": 3,
        "kind": kind,
        "inputs": list(KINDS[kind].inputs),
        "output": output,
        "dimension": dimension,
        "labels": LABELS if kind == "intent" else [],
        "max_length": 64,
        "max_batch_size": 64,
        "tokenizer_sha256": sha256(folder / "tokenizer.json"),
        "onnx_sha256": sha256(folder / "model.onnx"),
    }
    if kind == "intent":
        fields["tags"] = {"output": TAG_OUTPUT, "labels": TAGS}
    return fields | ({"threshold": 0.5} if kind == "matching" else {})


def _weights(kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(sorted(OUTPUTS).index(kind))
    shapes = ((len(WORDS), WIDTH), (2, WIDTH), (WIDTH, OUTPUTS[kind][1]))
    return tuple(random.normal(size=shape).astype(np.float32) for shape in shapes)


def _tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, "[UNK]"))
    tokenizer.normalizer = BertNormalizer()
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", [("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def _graph(kind: str) -> onnx.ModelProto:
    output, dimension = OUTPUTS[kind]
    words, types, head = _weights(kind)
    constants = {"words": words, "head": head, "one": np.array([1]), "last": np.array([2])}
    nodes = [helper.make_node("Gather", ["words", "input_ids"], ["word"])]
    hidden = "word"
    if kind == "matching":
        nodes += [
            helper.make_node("Gather", ["types", "token_type_ids"], ["type"]),
            helper.make_node("Add", ["word", "type"], ["hidden"]),
        ]
        hidden, constants["types"] = "hidden", types
    nodes += [
        helper.make_node("Cast", ["attention_mask"], ["flat"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["flat", "last"], ["mask"]),
        helper.make_node("Mul", [hidden, "mask"], ["masked"]),
        helper.make_node("ReduceSum", ["masked", "one"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["mask", "one"], ["count"], keepdims=0),
        helper.make_node("Div", ["sum", "count"], ["pooled"]),
        helper.make_node("MatMul", ["pooled", "head"], ["logits"]),
        *_head(kind, output),
    ]
    shape, outputs = ["batch", "length"], {output: ["batch", dimension]}
    if kind == "intent":
        constants["tags"], outputs[TAG_OUTPUT] = _tag_weights(), [*shape, len(TAGS)]
        nodes.append(helper.make_node("MatMul", ["word", "tags"], ["tag_logits"]))
        nodes.append(helper.make_node("Softmax", ["tag_logits"], [TAG_OUTPUT], axis=2))
    graph = helper.make_graph(
        nodes,
        kind,
        [helper.make_tensor_value_info(n, TensorProto.INT64, shape) for n in KINDS[kind].inputs],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def _head(kind: str, output: str) -> list[onnx.NodeProto]:
    if kind == "intent":
        return [helper.make_node("Softmax", ["logits"], [output], axis=1)]
    if kind == "encoder":
        return [
            helper.make_node("ReduceL2", ["logits", "one"], ["norm"], keepdims=1),
            helper.make_node("Div", ["logits", "norm"], [output]),
        ]
    return [helper.make_node("Sigmoid", ["logits"], [output])]
