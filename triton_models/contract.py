"""What a model folder promises, read from its `model.json` and held to the files beside it.

A leaf of the standard library only, so that the worker, the repository writer and the training kit
can all import it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from triton_models import product_text
from triton_models.kinds import KINDS
from triton_models.kinds.kind import Head, Kind, Prompts
from triton_models.settings import LANGUAGES, SHORTEST_BUCKET, buckets


class ModelFolderError(ValueError):
    """A model folder cannot be used; the message is one line and names the remedy."""


@dataclass(frozen=True)
class ModelContract:
    """One model: its tensors, limits and the hashes of its files.

    Attributes:
        folder: holds `model.onnx`, `tokenizer.json` and `model.json`.
        inputs: names of the int64 inputs, each of shape [batch, length].
        output: name of the float32 output, of shape [batch, dimension], or [batch, length,
            dimension] where the kind answers by token.
        labels: the classes in the order of the output's columns; empty where the kind has none.
        max_length: tokens, special ones included.
        max_batch_size: rows of one call.
        threshold: the score from which a pair counts as a match; None where the kind has none.
        heads: further outputs of the same forward pass, each of shape [batch, labels].
        tags: one more of an intent model, that of the kind tagging; None where it has none.
        pooling: of an encoder: what becomes of the token vectors; "" for other kinds.
        prompts: of an encoder: what stands before the texts that it is asked.
        product_text: the template by which a product becomes the text that it reads, "" where
            titles are read as they are; see `product_text`.
        language: of its queries, one of settings.LANGUAGES; English where model.json says none.
        label_counts: how many examples it learned from of each of the labels, in their order; ()
            where that is not known.
        float32_sha256: of `float32.onnx`, the same network before its weights were rounded, from
            which `compile` starts; None where there is none.
    """

    folder: Path
    name: str
    version: int
    kind: str
    inputs: tuple[str, ...]
    output: str
    dimension: int
    labels: tuple[str, ...]
    max_length: int
    max_batch_size: int
    tokenizer_sha256: str
    onnx_sha256: str
    threshold: float | None = None
    heads: tuple[Head, ...] = ()
    tags: Head | None = None
    pooling: str = ""
    prompts: Prompts = Prompts()
    product_text: str = ""
    language: str = LANGUAGES[0]
    label_counts: tuple[int, ...] = ()
    float32_sha256: str | None = None

    @property
    def spec(self) -> Kind:
        """What its kind has in common."""
        return KINDS[self.kind]

    @property
    def outputs(self) -> dict[str, int]:
        """The outputs that go beside each other, by name, with the size of the last axis: all but
        `tags`. `output` is the first.
        """
        return {self.output: self.dimension} | {h.output: len(h.labels) for h in self.heads}

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Every output by name, with its shape behind the batch; a length is -1."""
        length = (-1,) if self.spec.by_token else ()
        found = {name: (*length, size) for name, size in self.outputs.items()}
        return found | ({self.tags.output: (-1, len(self.tags.labels))} if self.tags else {})

    @property
    def tagging(self) -> ModelContract | None:
        """The model as one of the kind tagging, by its output `tags`; None where it has none."""
        if self.tags is None:
            return None
        labels, own = self.tags.labels, {"heads": (), "tags": None, "label_counts": ()}
        about = {"kind": "tagging", "output": self.tags.output, "dimension": len(labels)}
        return replace(self, labels=labels, **about, **own)

    def of_kind(self, kind: str) -> ModelContract | None:
        """The model as one of a kind: itself, or its tags; None where it is neither."""
        return next((one for one in (self, self.tagging) if one and one.kind == kind), None)

    @property
    def onnx(self) -> Path:
        return self.folder / "model.onnx"

    @property
    def float32(self) -> Path:
        return self.folder / "float32.onnx"

    @property
    def tokenizer(self) -> Path:
        return self.folder / "tokenizer.json"

    @property
    def length_buckets(self) -> tuple[int, ...]:
        """The lengths, in tokens, that batches are padded to: 8, 16, 32 … and `max_length`."""
        return buckets(self.max_length)


def load(folder: Path) -> ModelContract:
    """Read one model folder.

    Raises `ModelFolderError` when a file or field is missing or wrong, or when `model.onnx` or
    `tokenizer.json` is not the file that `model.json` was written for.
    """
    folder = Path(folder)
    fields = _read_json(folder / "model.json")
    contract = ModelContract(folder=folder, **_checked(fields, folder / "model.json"))
    check_hash(contract.onnx, contract.onnx_sha256)
    check_hash(contract.tokenizer, contract.tokenizer_sha256)
    return contract


def load_all(models: Path) -> tuple[ModelContract, ...]:
    """Read every model folder below `models`, in the order of their names.

    Raises `ModelFolderError` when there is none, or as `load` does: a folder with an ONNX file is
    one too, and is not passed over where its `model.json` is missing.
    """
    below = Path(models)
    folders = sorted({file.parent for p in ("*/model.json", "*/*.onnx") for file in below.glob(p)})
    if not folders:
        raise ModelFolderError(
            f"{models}: no model folder (<name>/model.json) in it; point to the folder that"
            " holds the exported models"
        )
    return tuple(load(folder) for folder in folders)


def sha256(path: Path) -> str:
    """The hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise ModelFolderError(f"{path}: not found; export the model into this folder") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFolderError(f"{path}: unreadable ({error}); export the model again") from None
    if not isinstance(fields, dict):
        raise ModelFolderError(f"{path}: not a JSON object; export the model again")
    return fields


def check_hash(path: Path, expected: str) -> None:
    """Raises `ModelFolderError` when a file is not there, or another than model.json says."""
    if not path.is_file():
        raise ModelFolderError(f"{path}: not found; export the model into this folder again")
    try:
        found = sha256(path)
    except OSError as error:
        raise ModelFolderError(f"{path}: unreadable ({error.strerror}); fix its rights") from None
    if found != expected:
        raise ModelFolderError(
            f"{path}: its sha256 is {found[:12]}…, model.json says {expected[:12]}…;"
            " export the model again so that its files belong together"
        )


def _positive(value: Any) -> bool:
    return type(value) is int and value > 0


def _text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(_text(item) and item.isprintable() for item in value)


FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (lambda v: _text(v) and v.replace("_", "").isalnum(), "letters, digits, underscores"),
    "version": (_positive, "a whole number above 0"),
    "kind": (lambda v: v in KINDS, "one of " + ", ".join(KINDS)),
    "inputs": (_texts, "a list of names"),
    "output": (_text, "a name"),
    "dimension": (_positive, "a whole number above 0"),
    "labels": (_texts, "a list of names, each of one line"),
    "max_length": (lambda v: _positive(v) and v >= SHORTEST_BUCKET, "a whole number from 8"),
    "max_batch_size": (_positive, "a whole number above 0"),
    "tokenizer_sha256": (_text, "the hexadecimal hash"),
    "onnx_sha256": (_text, "the hexadecimal hash"),
}


def _checked(fields: dict[str, Any], path: Path) -> dict[str, Any]:
    """The fields of `ModelContract`, lists as tuples."""

    def demand(good: bool, key: str, expected: str) -> None:
        if not good:
            found = repr(fields[key]) if key in fields else "nothing"
            raise ModelFolderError(
                f"{path}: {key}: found {found}, expected {expected}; export the model again"
            )

    for key, (valid, expected) in FIELDS.items():
        demand(key in fields and valid(fields[key]), key, expected)
    spec, labels = KINDS[fields["kind"]], fields["labels"]
    some = " or ".join(", ".join(names) for names in spec.taken)
    demand(tuple(fields["inputs"]) in spec.taken, "inputs", some)
    fits = not spec.labels or len(labels) == fields["dimension"] == len(set(labels))
    demand(fits, "labels", f"{fields['dimension']} different names (dimension)")
    plain = fields.get("float32_sha256")
    demand(plain is None or _text(plain), "float32_sha256", "the hexadecimal hash, or none")
    template = fields.get("product_text", "")
    demand(template == "" or not product_text.fault(template), "product_text", "a template")
    language = fields.get("language", LANGUAGES[0])
    demand(language in LANGUAGES, "language", "one of " + ", ".join(LANGUAGES))
    values = {key: tuple(v) if isinstance(v := fields[key], list) else v for key in FIELDS}
    values |= {"float32_sha256": plain, "product_text": template, "language": language}
    return values | spec.own(fields, demand)
