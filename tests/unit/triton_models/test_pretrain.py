"""`pretrain`: whole words are hidden, perplexity falls, and the result can be trained on."""

import json
import random
import sys
from collections import Counter

import pytest

from tests.skips import skip_or_fail

try:
    import torch
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from safetensors.torch import load_file

from tests.unit.triton_models import toy
from triton_models.__main__ import main
from triton_models.training import masking, networks
from triton_models.training.loop import RESUME
from triton_models.training.vocabulary import bare_tokenizer

LINES = [
    f"{size} {color} {thing}"
    for size in ("small", "large", "wide")
    for color in ("red", "green", "blue", "black")
    for thing in ("running shoes", "garden chairs", "wireless headphones", "kettle")
]


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return toy.write(tmp_path_factory.mktemp("toy"), layers=1)


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "titles.txt"
    path.write_text("\n".join(LINES))
    return path


@pytest.fixture(scope="module")
def done(start, text, tmp_path_factory):
    """A finished run."""
    out = tmp_path_factory.mktemp("runs") / "pretrained"
    assert command(start, text, out, "--epochs", 6) == 0
    return out


def command(start, text, out, *more) -> int:
    given = ("--text", text, "--out", out, "--batch", 16, "--rate", "0.01", "--threads", 1, *more)
    return main(["pretrain", str(start), *map(str, given)])


def loaded(folder):
    tokenizer = bare_tokenizer(folder)
    network = masking.load(folder).eval()
    return network, masking.Masker(tokenizer), masking.pieces(tokenizer, LINES)


def test_all_pieces_of_a_word_are_hidden_together(start):
    tokenizer = bare_tokenizer(start)
    masker, rng = masking.Masker(tokenizer), random.Random(1)
    (text,) = masking.pieces(tokenizer, ["zxqv red shoes for running up hills in the pouring rain"])
    assert max(map(len, text.words)) > 1
    seen = Counter()
    for _ in range(400):
        shown, wanted = masker.hide(text, rng)
        hidden = {i for i, piece in enumerate(wanted) if piece != masking.IGNORED}
        assert all(set(word) <= hidden or not set(word) & hidden for word in text.words)
        assert all(shown[i] == text.ids[i] for i in range(len(shown)) if i not in hidden)
        assert all(wanted[i] == text.ids[i] for i in hidden)
        assert 0 not in hidden and len(text.ids) - 1 not in hidden  # [CLS] and [SEP]
        seen.update(hidden)
    assert set(seen) == set(range(1, len(text.ids) - 1))  # other words each time


def test_the_shares_are_those_of_the_paper(start):
    tokenizer = bare_tokenizer(start)
    masker, rng = masking.Masker(tokenizer), random.Random(2)
    (text,) = masking.pieces(tokenizer, ["red shoes " * 20])
    kinds, total = Counter(), 0
    for _ in range(300):
        shown, wanted = masker.hide(text, rng)
        total += len(text.ids) - 2
        for now, piece in zip(shown, wanted, strict=True):
            if piece != masking.IGNORED:
                kinds["mask" if now == masker.mask else "same" if now == piece else "other"] += 1
    hidden = sum(kinds.values())
    assert hidden / total == pytest.approx(0.15, abs=0.01)
    assert kinds["mask"] / hidden == pytest.approx(0.8, abs=0.03)
    assert kinds["other"] / hidden == pytest.approx(0.1, abs=0.03)


def test_one_word_is_hidden_of_the_shortest_text(start):
    tokenizer = bare_tokenizer(start)
    (text,) = masking.pieces(tokenizer, ["zxqvw"])
    _, wanted = masking.Masker(tokenizer).hide(text, random.Random(3))
    assert wanted[1:-1] == text.ids[1:-1]


def test_a_long_text_is_read_to_its_end(start):
    tokenizer = bare_tokenizer(start)
    parts = masking.pieces(tokenizer, ["shoes " * 100 + "kettle"])
    assert [len(part.ids) for part in parts] == [64, 101 - 62 + 2]
    assert tokenizer.token_to_id("kettle") == parts[-1].ids[-2]


def test_perplexity_falls_and_the_head_is_the_table_of_words(start, text, done):
    notes = json.loads((done / "run.json").read_text())
    result = notes["result"]
    assert result["losses"][-1] < result["losses"][0] - 1
    assert result["dev"]["perplexity"] < result["start"]["perplexity"] / 4
    assert result["new_head"]
    assert result["trace"]["step"][-1] == result["steps"][-1] == 6 * result["steps"][0]
    assert (done / "training.svg").is_file()
    assert notes["recipe"]["schedule"]["epochs"] == 6
    assert notes["command"].startswith("python -m triton_models pretrain ")
    assert notes["data"]["learned"] + notes["data"]["dev"] == len(LINES)
    network, masker, texts = loaded(done)
    assert not network.new_head
    assert network.classifier.cls.predictions.decoder.weight is (
        network.classifier.bert.embeddings.word_embeddings.weight
    )
    fresh = masking.load(start).eval()
    assert masking.likelihood(network, masker, texts) > masking.likelihood(fresh, masker, texts) + 1


def test_the_same_words_are_hidden_before_and_after(done):
    network, masker, texts = loaded(done)
    again = masking.likelihood(network, masker, texts)
    assert masking.likelihood(network, masker, texts) == again


def test_a_resumed_run_equals_one_that_was_not_cut_off(start, text, tmp_path, monkeypatch):
    begin = ("--epochs", 3)
    assert command(start, text, tmp_path / "whole", *begin) == 0
    likelihood, asked = masking.likelihood, []

    def stopped(*given):
        asked.append(1)
        if len(asked) == 4:  # the start, and two epochs
            raise KeyboardInterrupt
        return likelihood(*given)

    monkeypatch.setattr(masking, "likelihood", stopped)
    assert command(start, text, tmp_path / "cut", *begin) == 130
    assert (tmp_path / "cut" / RESUME).exists()
    monkeypatch.undo()
    assert command(start, text, tmp_path / "cut", *begin) == 0
    whole, cut = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "cut"))
    assert set(whole) == set(cut)
    for name, weight in whole.items():
        torch.testing.assert_close(weight, cut[name], rtol=0, atol=0)
    assert not (tmp_path / "cut" / RESUME).exists()


def test_finetune_starts_from_it(start, done, tmp_path):
    queries = tmp_path / "mine.csv"
    rows = [f"item {i} {label},{label}" for label in ("red", "blue") for i in range(30)]
    queries.write_text("\n".join(["query,intent", *rows]))
    given = ["--queries", str(queries), "--start", str(done), "--out", str(tmp_path / "run")]
    assert main(["finetune", "intent", *given, "--epochs", "1", "--threads", "1"]) == 0
    name = "bert.pooler.dense.weight"  # which masked words do not train
    before = networks.load(start, "encoder").bert.state_dict()[name.removeprefix("bert.")]
    torch.testing.assert_close(load_file(done / "model.safetensors")[name], before)


def test_a_manifest_gives_the_texts_of_all_its_sources(start, text, tmp_path):
    manifest = tmp_path / "manifest.toml"
    catalogue = tmp_path / "products.csv"
    catalogue.write_text("id,title\n" + "\n".join(f"{i},{line}" for i, line in enumerate(LINES)))
    manifest.write_text(
        '[[source]]\nname = "shop"\npath = "products.csv"\nformat = "catalogue"\n'
        'licence = "own"\nsplit = "by_key"\n'
    )
    given = ["--manifest", str(manifest), "--out", str(tmp_path / "run"), "--threads", "1"]
    assert main(["pretrain", str(start), *given, "--epochs", "1"]) == 0
    data = json.loads((tmp_path / "run" / "run.json").read_text())["data"]
    assert data["learned"] + data["dev"] == len(LINES)
    assert data["licences"] == {"shop": "own"}


def test_wrong_usage_is_told_in_one_line(start, text, tmp_path, capsys):
    (tmp_path / "strange.doc").write_text("red shoes")
    (tmp_path / "empty.txt").write_text("\n")
    (tmp_path / "one.txt").write_text("red shoes\n")
    (tmp_path / "table.csv").write_text("id,price\n1,2\n")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    out = ("--out", tmp_path / "run")
    for given, told in (
        ((start, *out), "--text FILE… or --manifest"),
        ((start, "--text", text, "--manifest", text, *out), "one of them"),
        ((start, "--text", tmp_path / "none.txt", *out), "none.txt"),
        ((start, "--text", tmp_path / "strange.doc", *out), "not known by its name"),
        ((start, "--text", tmp_path / "empty.txt", *out), "no text in it"),
        ((start, "--text", tmp_path / "table.csv", *out), "column query, text"),
        ((start, "--text", tmp_path / "one.txt", *out), "give more"),
        ((tmp_path, "--text", text, *out), "no checkpoint"),
        ((start, "--text", text, "--out", tmp_path / "full"), "full"),
    ):
        assert main(["pretrain", *map(str, given)]) == 2
        error = capsys.readouterr().err
        assert told in error
        assert error.count("\n") == 1


def test_help_needs_no_torch(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(SystemExit):
        main(["pretrain", "--help"])
    assert "--manifest" in capsys.readouterr().out
