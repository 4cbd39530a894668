"""Tokenizers of every kind: read from vocab.txt, made smaller, and their words hidden whole."""

import json
import random

import pytest

from tests.skips import skip_or_fail

try:
    import torch
    from transformers import AutoModelForMaskedLM
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from tests.unit.triton_models import zoo
from triton_models.__main__ import main
from triton_models.kinds.intent.network import classifier
from triton_models.kinds.tagging.data import Tagged
from triton_models.kinds.tagging.training import refuse_joined
from triton_models.settings import UsageError
from triton_models.text import special
from triton_models.training import masking, networks, vocabulary
from triton_models.training.adapt import WAYS, Adaptation, adapt
from triton_models.training.adapters import backbone
from triton_models.training.inputs import tensors
from triton_models.training.vocabulary import bare_tokenizer

CPU = torch.device("cpu")
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
every = pytest.mark.parametrize("family", zoo.FAMILIES)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    place = tmp_path_factory.mktemp("zoo")
    return {family: zoo.write(place / family, family) for family in zoo.FAMILIES}


def words_alone(folder, words):
    """A folder with a vocab.txt and nothing else of a tokenizer."""
    (folder / "vocab.txt").write_text("\n".join([*SPECIALS, *words]), encoding="utf-8")
    return bare_tokenizer(folder)


def test_a_vocab_txt_alone_reads_as_the_tokenizer_it_came_from(tmp_path):
    whole = zoo.word_pieces()
    pieces = sorted(whole.get_vocab().items(), key=lambda item: item[1])
    (tmp_path / "vocab.txt").write_text("\n".join(p for p, _ in pieces), encoding="utf-8")
    alone = bare_tokenizer(tmp_path)
    for text in (*zoo.TEXTS, "Red SHOES", "红色的鞋"):
        assert alone.encode(text, "blue [SEP] hat").ids == whole.encode(text, "blue [SEP] hat").ids


@pytest.mark.parametrize(
    ("words", "text", "tokens"),
    [
        (["größe", "grosse"], "Größe", ["größe"]),  # small letters with accents
        (["grosse", "g"], "Große", ["[UNK]"]),  # ß is no accent
        (["ete"], "Été", ["ete"]),  # no accents: they are stripped
        (["Schuhe", "schuhe", "größe"], "Schuhe", ["Schuhe"]),  # large letters stay
        (["红", "色"], "红色", ["红", "色"]),
    ],
)
def test_a_vocab_txt_says_what_becomes_of_case_and_accents(tmp_path, words, text, tokens):
    found = words_alone(tmp_path, words)
    assert found.encode(text, add_special_tokens=False).tokens == tokens


def test_a_tokenizer_config_says_it_first(tmp_path):
    told = {"do_lower_case": False}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(told))
    assert words_alone(tmp_path, ["schuhe"]).encode("Schuhe").tokens[1] == "[UNK]"


@every
def test_a_smaller_vocabulary_gives_the_same_vectors(folders, family, tmp_path):
    texts = zoo.TEXTS[:4]
    whole = bare_tokenizer(folders[family])
    kept = vocabulary.choose_pieces(whole, texts, whole.get_vocab_size())
    size = len(kept)
    assert size < whole.get_vocab_size()
    small = vocabulary.prune(whole, kept)
    network = networks.load(folders[family], "encoder").eval()
    given = tensors(whole, texts, CPU)
    assert [e.tokens for e in small.encode_batch(texts)] == [
        e.tokens for e in whole.encode_batch(texts)
    ]
    with torch.no_grad():
        before = network(*given)
        networks.cut(network.bert, range(2), kept)
        networks.save(network, tmp_path)
        small.save(str(tmp_path / "tokenizer.json"))
        again = networks.load(tmp_path, "encoder").eval()
        ids, mask = tensors(bare_tokenizer(tmp_path), texts, CPU)
        torch.testing.assert_close(again(ids, mask), before)
    assert again.bert.get_input_embeddings().weight.shape[0] == size
    config = again.bert.config
    if config.pad_token_id is not None and family != "bert":
        assert config.pad_token_id == special(small, "pad")


@every
def test_prune_leaves_layers_out(folders, family, tmp_path):
    text = tmp_path / "texts.txt"
    text.write_text("\n".join(zoo.TEXTS))
    given = [folders[family], "--layers", "0", "--pieces", 290, "--text", text]
    out = tmp_path / "small"
    assert main(["combine", "prune", *map(str, given), "--out", str(out)]) == 0
    small = networks.load(out, "encoder").eval()
    small(*tensors(bare_tokenizer(out), zoo.TEXTS, CPU))
    assert small.bert.config.num_hidden_layers == 1


def test_chinese_characters_that_no_text_has_go_first(tmp_path):
    rare = [chr(0x4E00 + i) for i in range(200)]
    whole = words_alone(tmp_path, ["a", "b", "##a", *rare, *(f"##{c}" for c in rare), "红", "鞋"])
    kept = vocabulary.choose_pieces(whole, ["红鞋", "鞋"], 11)
    small = vocabulary.prune(whole, kept)
    assert small.get_vocab_size() == 10  # five special ones, a, b, ##a, 红 and 鞋
    assert "[UNK]" not in small.encode("红鞋 a b").tokens


@every
def test_masked_words_are_named_by_the_familys_own_head(folders, family, tmp_path):
    whole = AutoModelForMaskedLM.from_pretrained(folders[family], attn_implementation="eager")
    whole.eval().save_pretrained(tmp_path)
    tokenizer = bare_tokenizer(folders[family])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert masking.load(folders[family]).new_head
    network = masking.load(tmp_path).eval()
    assert not network.new_head
    ids, mask = tensors(tokenizer, zoo.TEXTS, CPU)
    wanted = torch.where(torch.arange(ids.shape[1]) == 1, ids, masking.IGNORED)
    pad = whole.config.pad_token_id or 0
    with torch.no_grad():
        found = network.costs(ids, mask, wanted)
        logits = whole(torch.where(mask > 0, ids, pad), mask).logits
    expected = torch.nn.functional.cross_entropy(logits[:, 1], ids[:, 1], reduction="none")
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def hidden_together(tokenizer, text, seeds=60):
    """The sets of places that are hidden at once."""
    masker = masking.Masker(tokenizer)
    (piece,) = masking.pieces(tokenizer, [text])
    found = set()
    for seed in range(seeds):
        _, wanted = masker.hide(piece, random.Random(seed))
        found.add(tuple(i for i, w in enumerate(wanted) if w != masking.IGNORED))
    return found


@every
def test_whole_words_are_hidden_in_every_kind_of_tokenizer(folders, family):
    tokenizer = bare_tokenizer(folders[family])
    text = "running größe"
    found = hidden_together(tokenizer, text)
    whole = tokenizer.encode(text)
    words = {}
    for place, word in enumerate(whole.word_ids):
        if word is not None:
            words.setdefault(word, []).append(place)
    assert found == {tuple(places) for places in words.values()}


@pytest.mark.parametrize("unspaced", [False, True])
def test_runs_of_chinese_are_hidden_and_not_all_of_it(unspaced):
    characters = [chr(0x4E00 + i) for i in range(20)]
    if unspaced:  # as sentence pieces read it: all of it is one word
        tokenizer = Tokenizer(models.Unigram([("[MASK]", 0.0), *((c, -1.0) for c in characters)]))
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    else:
        vocab = {p: i for i, p in enumerate([*SPECIALS, *characters])}
        tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer()
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    found = hidden_together(tokenizer, "".join(characters))
    assert {len(places) for places in found} <= {3, 4}  # 15 % of twenty, or the first run
    neighbours = [p for p in found if len(p) > 1 and p[-1] - p[0] == len(p) - 1]
    assert len(neighbours) > 10  # hidden together, and drawn anew


@every
@pytest.mark.parametrize("how", WAYS)
def test_every_way_of_training_finds_the_parts_of_a_family(folders, family, how):
    network = classifier(folders[family], ("a", "b"))
    if how == "prefix" and family in ("distilbert", "modernbert"):
        with pytest.raises(UsageError, match="has no prefixes here: choose another --how"):
            adapt(network, Adaptation(how, size=4), 40)
        return
    adapted = adapt(network, Adaptation(how, size=4, layer_decay=0.5, head_rate=1.0), 40)
    assert adapted.layers == 2
    rates = {name: adapted.rate(name, 0.01) for name, _ in network.named_parameters()}
    assert set(rates.values()) <= {1.0, 0.01, 0.005, 0.0025}
    bert = {id(p) for p in backbone(network).embeddings.parameters()}
    assert {rates[n] for n, p in network.named_parameters() if id(p) in bert} <= {0.0025}
    given = tensors(bare_tokenizer(folders[family]), zoo.TEXTS, CPU)
    before = network.eval().logits(*given).detach()
    network.train().logits(*given).square().sum().backward()
    trained = [p for p in network.parameters() if p.requires_grad]
    assert sum(p.grad is not None for p in trained) > 1
    adapted.finish()
    torch.testing.assert_close(network.eval().logits(*given), before, atol=1e-4, rtol=1e-4)


def test_tagging_refuses_a_tokenizer_that_joins_chinese_words():
    pieces = [("<unk>", 0.0), ("▁", -1.0), ("红色", -1.0), ("鞋", -2.0), ("▁red", -1.0)]
    tokenizer = Tokenizer(models.Unigram(pieces, 0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    refuse_joined(tokenizer, [Tagged("red 鞋", (), ("O", "O"))])
    with pytest.raises(UsageError, match="1 of 3 share a piece with another; give --start"):
        refuse_joined(tokenizer, [Tagged("红色鞋", (), ("O",) * 3)])
