"""Text to token ids, and token ids to the rows of a model's input.

Each text is tokenized once for all models that share a tokenizer: the ids of queries and lexicon
terms are kept, and sequences and pairs are put together from them as the tokenizer itself does it.
A tokenizer whose way of doing so is not understood here is asked for each sequence instead.
"""

from __future__ import annotations

import asyncio
import json
import os
from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate, chain, islice, takewhile
from pathlib import Path

from tokenizers import Encoding, Tokenizer

from triton_models.contract import ModelContract
from worker.errors import ConfigError

# Its own threads cost more CPU than they save time with texts as short as queries.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

ID = array("q").itemsize  # bytes of one token id
KEPT = 8_192  # texts of each of two generations
INLINE = 32  # more texts are tokenized on another thread, so that the event loop goes on
PROBES = ("red shoes ", "blue hat ")


# One sequence with its special tokens, cut to the model's length: token ids and token types, int64
# in this machine's byte order. (A plain tuple: there are about ten a query.)
Row = tuple[bytes, bytes]


class TextTokenizer:
    """Token ids of texts, kept for those asked for last; models may share one.

    Attributes:
        tokenizer: neither pads nor cuts.

    Raises:
        ConfigError: the file is not of the `tokenizers` library.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.tokenizer = load(file)
        self._word_by_word = _takes_word_by_word(self.tokenizer)
        self._young: dict[str, bytes] = {}
        self._old: dict[str, bytes] = {}

    async def prepare(self, texts: Sequence[str]) -> None:
        """Tokenize ahead what `ids` is asked for next; many texts on another thread."""
        missing = self._missing(chain.from_iterable(map(self._parts, texts)))
        if len(missing) > INLINE:
            self._keep(missing, await asyncio.to_thread(self._encode, missing))

    def ids(self, texts: Sequence[str]) -> list[bytes]:
        """The ids of each text without special tokens, uncut, int64."""
        found = list(map(self._young.get, texts))
        if None not in found:
            return found
        parts = list(map(self._parts, texts))
        if missing := self._missing(chain.from_iterable(parts)):
            self._keep(missing, self._encode(missing))
        ids = self._young.__getitem__
        found = [ids(of[0]) if len(of) == 1 else b"".join(map(ids, of)) for of in parts]
        self._keep(texts, found)
        return found

    def _parts(self, text: str) -> list[str]:
        """Texts, kept or to be tokenized, whose ids follow each other in those of `text`."""
        if text in self._young or not self.is_plain(text):
            return [text]
        return text.split(" ")

    def is_plain(self, text: str) -> bool:
        """Whether the ids of a text are those of its words, which single spaces part."""
        return self._word_by_word and text.isascii() and text.replace(" ", "").isalnum()

    def _missing(self, texts: Iterable[str]) -> list[str]:
        """Those not kept; the others are in the young generation then, whose size is bounded."""
        texts = dict.fromkeys(texts)
        missing = [text for text in texts if text not in self._young]
        if len(self._young) + len(missing) > KEPT:
            self._old, self._young = self._young, {}
            missing = list(texts)
        self._young |= {text: self._old[text] for text in missing if text in self._old}
        return [text for text in missing if text not in self._young]

    def _encode(self, texts: list[str]) -> list[bytes]:
        encodings = self.tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return [_bytes(encoding.ids) for encoding in encodings]

    def _keep(self, texts: Sequence[str], ids: list[bytes]) -> None:
        self._young.update(zip(texts, ids, strict=True))


class Sequences:
    """The rows that one model is asked for."""

    def __init__(self, contract: ModelContract, texts: TextTokenizer) -> None:
        self._texts, self._prompt = texts, contract.prompts.query
        self._template = Template.derived(texts.tokenizer, contract.max_length)
        if self._template and self._agrees(self._template, contract.max_length):
            return
        self._template = None
        self._cut = load(texts.file)
        self._cut.enable_truncation(contract.max_length)

    def singles(self, texts: Sequence[str]) -> list[Row]:
        """One row a text, behind the model's prompt for queries."""
        if self._prompt:
            texts = [self._prompt + text for text in texts]
        if self._template is None:
            return [_row(found) for found in self._cut.encode_batch_fast(list(texts))]
        return self._template.singles(self._texts.ids(texts))

    def word_starts(self, text: str) -> list[int] | None:
        """Where the words of a plain text begin in its row; those beyond the model's length are
        left out. None where a text's tokens are not those of its words."""
        if self._template is None or self._prompt or not self._texts.is_plain(text):
            return None
        return self._template.starts(self._texts.ids(text.split(" ")))

    def pairs(self, texts: Sequence[str], others: Sequence[Sequence[str]]) -> list[Row]:
        """One row for each of a text's `others`, in order."""
        if self._template is None:
            pairs = [
                (text, other) for text, group in zip(texts, others, strict=True) for other in group
            ]
            return [_row(found) for found in self._cut.encode_batch_fast(pairs)]
        ids = iter(self._texts.ids([other for group in others for other in group]))
        rows: list[Row] = []
        for text, group in zip(self._texts.ids(texts), others, strict=True):
            rows += self._template.pairs(text, [*islice(ids, len(group))])
        return rows

    def _agrees(self, template: Template, length: int) -> bool:
        """Whether the template makes what the tokenizer itself makes of short and long texts."""
        pairs = [PROBES, (PROBES[1], PROBES[0] * length), (PROBES[0] * length, PROBES[1] * length)]
        made, texts = [], []
        for first, second in pairs:
            one, two = self._texts.ids([first, second])
            made += template.singles([one])
            made += template.pairs(one, [two])
            made += template.pairs(two, [one])
            texts += [first, (first, second), (second, first)]
        tokenizer = self._texts.tokenizer
        tokenizer.enable_truncation(length)
        try:
            return made == [_row(encoding) for encoding in tokenizer.encode_batch_fast(texts)]
        finally:
            tokenizer.no_truncation()


class Template:
    """Where a tokenizer puts its special tokens, as its post-processor has it.

    Args:
        single: what stands before and after a single text.
        pair: what stands before, between and after two texts.
        kinds: token types of a single text, of a pair's first and its second.
    """

    def __init__(
        self, single: Sequence[Row], pair: Sequence[Row], kinds: Sequence[int], length: int
    ) -> None:
        self._single, self._pair = single, pair
        self._single_room = length * ID - sum(len(ids) for ids, _ in single)
        self._pair_room = length * ID - sum(len(ids) for ids, _ in pair)
        types = [array("q", [kind]).tobytes() for kind in kinds]
        self._first_type, self._second_type = types[1:]
        self._single_types = [single[0][1] + types[0] * n + single[1][1] for n in range(length)]
        self._pair_types: dict[int, list[bytes]] = {}

    @classmethod
    def derived(cls, tokenizer: Tokenizer, length: int) -> Template | None:
        """Found by encoding a pair of texts; None where they do not stand in it whole."""
        first, second = PROBES
        one, two = (tokenizer.encode(text, add_special_tokens=False).ids for text in PROBES)
        single = _around(tokenizer.encode(first), [one])
        pair = _around(tokenizer.encode(first, second), [one, two])
        if not single or not pair:
            return None
        return cls(single[0], pair[0], [*single[1], *pair[1]], length)

    def singles(self, texts: Sequence[bytes]) -> list[Row]:
        """One row of each text's ids."""
        (before, _), (after, _) = self._single
        ids = [text[: self._single_room] for text in texts]
        return [(before + text + after, self._single_types[len(text) // ID]) for text in ids]

    def starts(self, words: Sequence[bytes]) -> list[int]:
        """Where each of a text's words begins in its row, those that are cut left out."""
        first = len(self._single[0][0]) // ID
        end = first + self._single_room // ID
        places = accumulate((len(ids) // ID for ids in words[:-1]), initial=first)
        return [*takewhile(end.__gt__, places)]

    def pairs(self, first: bytes, seconds: Sequence[bytes]) -> list[Row]:
        """One row of the ids of `first` with each of `seconds`."""
        (before, _), (between, _), (after, _) = self._pair
        head, types = before + first + between, self._types(len(first) // ID)
        room = self._pair_room - len(first)
        return [
            (head + second + after, types[len(second) // ID])
            if len(second) <= room
            else self._cut_pair(first, second)
            for second in seconds
        ]

    def _types(self, tokens: int) -> list[bytes]:
        """Token types of a pair whose first text has so many, by the tokens of the second."""
        if (types := self._pair_types.get(tokens)) is None:
            (_, before), (_, between), (_, after) = self._pair
            head = before + self._first_type * tokens + between
            room = max(self._pair_room // ID - tokens, 0)
            types = [head + self._second_type * n + after for n in range(room + 1)]
            self._pair_types[tokens] = types
        return types

    def _cut_pair(self, first: bytes, second: bytes) -> Row:
        first, second = _longest_first(first, second, self._pair_room // ID)
        return self.pairs(first, [second])[0]


def load(file: Path) -> Tokenizer:
    """Read a `tokenizer.json`, whose texts are then neither padded nor cut.

    Raises:
        ConfigError: it is not of the `tokenizers` library.
    """
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises no narrower class
        raise ConfigError(
            f"inference.models: {file} is no tokenizer of the `tokenizers` library ({error}): "
            "export the model again"
        ) from None
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _takes_word_by_word(tokenizer: Tokenizer) -> bool:
    """Whether plain words have the same ids wherever they stand: as BERT's own tokenizer does it.

    The words of queries repeat, so few are tokenized twice.
    """
    made = json.loads(tokenizer.to_str())
    kinds = [(made[part] or {}).get("type") for part in ("normalizer", "pre_tokenizer", "model")]
    return kinds == ["BertNormalizer", "BertPreTokenizer", "WordPiece"] and not any(
        " " in token["content"] for token in made["added_tokens"]
    )


def _longest_first(one: bytes, two: bytes, room: int) -> tuple[bytes, bytes]:
    """A pair cut to `room` tokens as the library's strategy `longest_first` does it."""
    short, long = sorted((len(one) // ID, len(two) // ID))
    long = max(short, room - short)
    if short + long > room:
        short, long = room // 2, room // 2 + room % 2
    if len(one) > len(two):
        short, long = long, short
    return one[: short * ID], two[: long * ID]


def _around(encoding: Encoding, texts: Sequence[list[int]]) -> tuple[list[Row], list[int]] | None:
    """What stands around texts in an encoding, and the token type of each; None if one is not."""
    parts, kinds, end = [], [], 0
    ids, types = encoding.ids, encoding.type_ids
    for text in texts:
        starts = (i for i in range(end, len(ids)) if ids[i : i + len(text)] == text)
        start = next(starts, None)
        if not text or start is None:
            return None
        parts.append((_bytes(ids[end:start]), _bytes(types[end:start])))
        kinds.append(types[start])
        end = start + len(text)
    return [*parts, (_bytes(ids[end:]), _bytes(types[end:]))], kinds


def _row(encoding: Encoding) -> Row:
    return _bytes(encoding.ids), _bytes(encoding.type_ids)


def _bytes(ids: list[int]) -> bytes:
    return array("q", ids).tobytes()
