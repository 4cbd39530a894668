"""Rows put together from token ids are those that the tokenizer itself makes."""

import random

import pytest
from tokenizers import Tokenizer
from tokenizers.processors import RobertaProcessing, TemplateProcessing

from triton_models.contract import load
from worker.config.settings import STARTER_MODELS
from worker.errors import ConfigError
from worker.understanding import tokenize
from worker.understanding.tokenize import Sequences, TextTokenizer

CONTRACT = load(STARTER_MODELS / "matching")
WORDS = [
    "red",
    "blue",
    "running",
    "shoes",
    "sneaker's",
    "wi-fi",
    "55in",
    "7½",
    "东京",
    "кроссовки",
    "naïve",
    "ß",
    "[SEP]",
    "€",
    "xyzzyplugh",
]


def texts(seed, count):
    chance = random.Random(seed)
    return [
        " ".join(chance.choices(WORDS, k=chance.choice((1, 2, 5, 9, 40, 90)))) for _ in range(count)
    ]


def own_rows(file, inputs):
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_padding()
    tokenizer.enable_truncation(CONTRACT.max_length)
    made = tokenizer.encode_batch(inputs)
    return [(list(encoding.ids), list(encoding.type_ids)) for encoding in made]


def numbers(rows):
    return [tuple(list(memoryview(part).cast("q")) for part in row) for row in rows]


@pytest.fixture(params=["bert", "roberta", "types that alternate", "special tokens amid a text"])
def file(request, tmp_path):
    tokenizer = Tokenizer.from_file(str(CONTRACT.tokenizer))
    special = [("[CLS]", 2), ("[SEP]", 3)]
    if request.param == "roberta":
        tokenizer.post_processor = RobertaProcessing(("[SEP]", 3), ("[CLS]", 2))
    if request.param == "types that alternate":
        tokenizer.post_processor = TemplateProcessing(
            single="[CLS]:1 $A:0 [SEP]:1", pair="$B:1 [CLS]:0 $A:0 [SEP]:1", special_tokens=special
        )
    if request.param == "special tokens amid a text":
        tokenizer.post_processor = TemplateProcessing(
            single="$A:0 $A:0", pair="[CLS]:0 $A:0 $B:1 $A:0", special_tokens=special
        )
    path = tmp_path / "tokenizer.json"
    tokenizer.save(str(path))
    return path


def test_pairs_and_single_texts_are_the_tokenizers_own_whatever_their_length(file):
    sequences = Sequences(CONTRACT, TextTokenizer(file))
    first = texts(1, 100)
    groups = [texts(seed, seed % 5) for seed in range(100)]
    pairs = [(text, other) for text, group in zip(first, groups, strict=True) for other in group]
    assert numbers(sequences.singles(first)) == own_rows(file, first)
    assert numbers(sequences.pairs(first, groups)) == own_rows(file, pairs)


def test_models_with_one_tokenizer_share_what_was_tokenized(monkeypatch):
    shared = TextTokenizer(CONTRACT.tokenizer)
    tokenized = []
    encode = shared._encode
    monkeypatch.setattr(shared, "_encode", lambda texts: tokenized.extend(texts) or encode(texts))
    intent = Sequences(load(STARTER_MODELS / "intent"), shared)
    matching = Sequences(CONTRACT, shared)
    tokenized.clear()
    intent.singles(["red boots", "green hat"])
    matching.pairs(["red boots", "green hat"], [["sneakers", "red boots"], ["sneakers"]])
    assert sorted(tokenized) == ["green hat", "red boots", "sneakers"]


def test_only_the_texts_asked_for_last_are_kept(monkeypatch):
    monkeypatch.setattr(tokenize, "KEPT", 100)
    shared = TextTokenizer(CONTRACT.tokenizer)
    expected = TextTokenizer(CONTRACT.tokenizer).ids(texts(3, 3))
    for seed in range(50):
        assert shared.ids(texts(3, 3)) == expected
        shared.ids(texts(seed, 40))
        assert len(shared._young) + len(shared._old) <= 2 * 100 + 40


def test_a_tokenizer_file_that_cannot_be_read_is_named_with_the_remedy(tmp_path):
    (tmp_path / "tokenizer.json").write_text('{"a":')
    with pytest.raises(ConfigError, match="tokenizer.json is no tokenizer .* export the model"):
        TextTokenizer(tmp_path / "tokenizer.json")
