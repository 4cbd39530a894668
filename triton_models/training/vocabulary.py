"""Tokenizers of checkpoint folders, and smaller vocabularies made of them.

WordPiece, byte-level BPE and Unigram (sentence-piece) are known. A pruned vocabulary has the pieces
that our texts use. A word whose piece was dropped falls apart into smaller ones: every character of
an alphabet is kept, alone and as a continuation, so that none becomes unknown. Chinese characters
are too many for that: those that the texts do not use go, where the size asks for it.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from triton_models.query_text import is_ideograph
from triton_models.settings import UsageError, usable
from triton_models.text import SPECIAL, special

OWN = frozenset(name for names in SPECIAL.values() for name in names)  # of any family
BEGINS = ("##", "▁", "Ġ")  # what marks a piece as the continuation or the beginning of a word


def bare_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of a checkpoint folder, without padding or truncation baked in: its
    tokenizer.json, else one made of its vocab.txt.
    """
    remedy = "give the folder of a BERT checkpoint with its tokenizer.json or vocab.txt"
    if not has_tokenizer(folder):
        raise UsageError(f"{folder}: no tokenizer.json and no vocab.txt in it; {remedy}")
    file = folder / "tokenizer.json"
    with usable(file if file.is_file() else folder / "vocab.txt", remedy):
        found = Tokenizer.from_file(str(file)) if file.is_file() else of_words(folder)
    found.no_padding()
    found.no_truncation()
    return found


def has_tokenizer(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("tokenizer.json", "vocab.txt"))


def of_words(folder: Path) -> Tokenizer:
    """BERT's tokenizer for a vocab.txt. What tokenizer_config.json does not say of case and accents
    the vocabulary does: it keeps them if it has pieces with them.
    """
    words = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    vocabulary = {word: i for i, word in enumerate(words)}
    file = folder / "tokenizer_config.json"
    told = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    plain = [word for word in words if word not in OWN and not word.startswith("[unused")]
    lower = told.get("do_lower_case", not any(word != word.lower() for word in plain))
    strip = told.get("strip_accents")
    if strip is None:
        strip = lower and not any(map(_accented, plain))
    found = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    found.normalizer = normalizers.BertNormalizer(
        handle_chinese_chars=told.get("tokenize_chinese_chars", True),
        strip_accents=strip,
        lowercase=lower,
    )
    found.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    found.decoder = decoders.WordPiece()
    found.add_special_tokens([name for name in words if name in OWN])
    cls, sep = vocabulary["[CLS]"], vocabulary["[SEP]"]
    found.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", [("[CLS]", cls), ("[SEP]", sep)]
    )
    return found


def _accented(word: str) -> bool:
    """Whether a normalizer that strips accents would change a word."""
    return any(unicodedata.category(c) == "Mn" for c in unicodedata.normalize("NFD", word))


def choose_pieces(tokenizer: Tokenizer, texts: Iterable[str], size: int) -> list[int]:
    """The ids of the pieces to keep, in their old order: `size` of them, or more where the
    characters and the pieces that others are made of are more.
    """
    counts: Counter[int] = Counter()
    for encoding in tokenizer.encode_batch(list(texts), add_special_tokens=False):
        counts.update(encoding.ids)
    vocabulary = tokenizer.get_vocab()
    made = json.loads(tokenizer.to_str())
    always = {token["id"] for token in made["added_tokens"]}
    kept = {i for piece, i in vocabulary.items() if i in always or is_character(piece)}
    kept |= {i for i in [special(tokenizer, "unk")] if i is not None}
    parts = _parts(made["model"])
    for i, _ in counts.most_common():
        if len(kept) >= size:
            break
        kept |= _with_parts(i, parts)
    return sorted(kept)


def is_character(piece: str) -> bool:
    """Whether a piece is one character of an alphabet, alone ("a") or marked ("##a", "▁a")."""
    for mark in BEGINS:
        if piece != mark:
            piece = piece.removeprefix(mark)
    return len(piece) == 1 and not is_ideograph(piece)


def _parts(model: Mapping[str, Any]) -> dict[int, tuple[int, int]]:
    """The two pieces that each piece of a BPE model is merged from."""
    found: dict[int, tuple[int, int]] = {}
    for merge in model.get("merges", ()):
        one, other = merge if isinstance(merge, list) else merge.split(" ")
        ids = [model["vocab"][piece] for piece in (one + other, one, other)]
        found.setdefault(ids[0], (ids[1], ids[2]))
    return found


def _with_parts(piece: int, parts: Mapping[int, tuple[int, int]]) -> set[int]:
    """A piece and all that it is merged from."""
    found, left = set(), [piece]
    while left:
        found.add(one := left.pop())
        left += parts.get(one, ())
    return found


def prune(tokenizer: Tokenizer, kept: Sequence[int]) -> Tokenizer:
    """The same tokenizer over the kept pieces, numbered anew in that order."""
    state = json.loads(tokenizer.to_str())
    place = {old: new for new, old in enumerate(kept)}
    _prune_model(state["model"], place)
    for token in state["added_tokens"]:  # `choose_pieces` keeps them all
        token["id"] = place[token["id"]]
    _renumber(state["post_processor"], place)
    return Tokenizer.from_str(json.dumps(state))


def _prune_model(model: dict[str, Any], place: Mapping[int, int]) -> None:
    if isinstance(model["vocab"], list):  # Unigram: a piece's id is its place
        model["vocab"] = [entry for i, entry in enumerate(model["vocab"]) if i in place]
        model["unk_id"] = place.get(model["unk_id"])
        return
    model["vocab"] = {p: place[i] for p, i in model["vocab"].items() if i in place}
    merges = (m if isinstance(m, list) else m.split(" ") for m in model.get("merges", ()))
    if "merges" in model:
        model["merges"] = [m for m in merges if {*m, "".join(m)} <= model["vocab"].keys()]


def _renumber(processor: dict[str, Any] | None, place: Mapping[int, int]) -> None:
    """Give the special tokens of a post-processor their new ids."""
    for part in (processor or {}).get("processors", ()):
        _renumber(part, place)
    for name in ("sep", "cls"):  # of BERT's and RoBERTa's own
        if processor and name in processor:
            processor[name] = [processor[name][0], place[processor[name][1]]]
    for token in (processor or {}).get("special_tokens", {}).values():
        token["ids"] = [place[i] for i in token["ids"]]
