"""Rows put together from token ids are those that the tokenizer itself makes."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.processors import RobertaProcessing, TemplateProcessing

from triton_models.contract import load
from worker.config.settings import STARTER_MODELS
from worker.errors import ConfigError
from worker.understanding import tokenize
from worker.understanding.tokenize import Sequences, TextTokenizer

CONTRACT = load(STARTER_MODELS / "matching")
WORD_BY_WORD = TextTokenizer(CONTRACT.tokenizer)
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
    assert sorted(tokenized) == ["boots", "green", "sneakers"]


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


@given(st.lists(st.text("abcXYZ0189 '-é", max_size=30), max_size=20))
def test_texts_put_together_from_their_words_have_the_tokenizers_own_ids(texts):
    tokenizer = tokenize.load(CONTRACT.tokenizer)
    expected = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    for ids in (WORD_BY_WORD.ids(texts), WORD_BY_WORD.ids(texts)):
        assert [memoryview(one).cast("q").tolist() for one in ids] == expected


def test_words_are_tokenized_once(monkeypatch):
    asked = []
    encode = TextTokenizer._encode
    monkeypatch.setattr(
        TextTokenizer, "_encode", lambda s, texts: asked.extend(texts) or encode(s, texts)
    )
    known = TextTokenizer(CONTRACT.tokenizer)
    known.ids(["red shoes", "red hat", "blue hat"])
    assert sorted(asked) == ["blue", "hat", "red", "shoes"]


def test_a_token_with_a_space_in_it_is_found_across_words(tmp_path):
    tokenizer = Tokenizer.from_file(str(CONTRACT.tokenizer))
    tokenizer.add_tokens(["new york"])
    tokenizer.save(str(file := tmp_path / "tokenizer.json"))
    (ids,) = TextTokenizer(file).ids(["new york hat"])
    assert (
        ids
        == TextTokenizer(file)._encode(["new york hat"])[0]
        != TextTokenizer(CONTRACT.tokenizer).ids(["new york hat"])[0]
    )
