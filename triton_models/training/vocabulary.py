"""A smaller WordPiece vocabulary: the pieces that our texts use, and every single character.

All three models share it. A word whose piece was dropped falls apart into smaller pieces; since
every character is kept, alone and as a continuation, no known character becomes [UNK].
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer

from triton_models.settings import usable

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def bare_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of a checkpoint folder, without padding or truncation baked in."""
    with usable(folder / "tokenizer.json", "give the folder of a BERT checkpoint"):
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def choose_pieces(tokenizer: Tokenizer, texts: Iterable[str], size: int) -> list[int]:
    """The ids of the pieces to keep, in their old order, at most `size` of them."""
    counts: Counter[int] = Counter()
    for encoding in tokenizer.encode_batch(list(texts), add_special_tokens=False):
        counts.update(encoding.ids)
    vocabulary = tokenizer.get_vocab()
    kept = {i for piece, i in vocabulary.items() if piece in SPECIAL or is_character(piece)}
    frequent = [i for i, _ in counts.most_common() if i not in kept]
    kept.update(frequent[: max(0, size - len(kept))])
    return sorted(kept)


def is_character(piece: str) -> bool:
    """Whether a piece is one character, alone ("a") or as a continuation ("##a")."""
    return len(piece.removeprefix("##")) == 1


def prune(tokenizer: Tokenizer, kept: list[int]) -> Tokenizer:
    """The same tokenizer over the kept pieces, numbered anew in that order."""
    state = json.loads(tokenizer.to_str())
    new_id = {old: new for new, old in enumerate(kept)}
    vocabulary = state["model"]["vocab"]
    state["model"]["vocab"] = {p: new_id[i] for p, i in vocabulary.items() if i in new_id}
    for token in state["added_tokens"]:
        token["id"] = new_id[token["id"]]
    for token in state["post_processor"]["special_tokens"].values():
        token["ids"] = [new_id[i] for i in token["ids"]]
    return Tokenizer.from_str(json.dumps(state))
