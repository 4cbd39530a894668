"""The language of a model's typos: recorded by its run, kept by what is made of it, and taken as
the default wherever it is misspelled.
"""

import json
import shutil
from types import SimpleNamespace

import pytest

from tests.skips import skip_or_fail

try:
    import onnxscript  # noqa: F401
    import torch
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from tests.unit.triton_models import toy
from tests.unit.triton_models.combining import combine
from triton_models import contract
from triton_models.__main__ import main
from triton_models.data.manifest import SENTIMENTS
from triton_models.data.typos import typos_of
from triton_models.kinds import KINDS
from triton_models.kinds.intent.examples import Example
from triton_models.kinds.tagging import loss as tag_loss
from triton_models.kinds.tagging.words import labels_of
from triton_models.settings import STARTER
from triton_models.training import inputs, networks
from triton_models.training.run_card import language_of

SETS = "#字\t同音\t异调\n红\t洪虹宏\t鸿轰\n鞋\t谐协\t写些\n运\t韵\t云匀\n色\t瑟涩\n"
CHINESE = [("红色运动鞋", "look"), ("红鞋", "look"), ("我的红鞋呢", "ask"), ("退红色鞋", "ask")]


@pytest.fixture
def sets(tmp_path):
    (tmp_path / "sets.txt").write_text(SETS, encoding="utf-8")
    return str(tmp_path / "sets.txt")


@pytest.fixture(scope="module")
def german(tmp_path_factory):
    """A toy, and a run that was misspelled as German is."""
    folder = tmp_path_factory.mktemp("german")
    rows = [f"{word} {n},{label}" for word, label in (("schuhe", "look"), ("wo ist", "ask")) for n
            in ("eins", "zwei", "drei", "vier", "sechs", "sieben", "acht")]  # fmt: skip
    (folder / "mine.csv").write_text("query,intent\n" + "\n".join(rows))
    given = ["--queries", folder / "mine.csv", "--language", "de", "--misspelled", 0.1]
    return toy.trained(folder, *given, "--epochs", 1)


@pytest.fixture
def drawn(monkeypatch):
    """The typos that texts are misspelled with from here on."""
    found = []
    for module in (inputs, tag_loss):
        real = module.misspell

        def spied(text, rng, typos, real=real):
            found.append(typos)
            return real(text, rng, typos)

        monkeypatch.setattr(module, "misspell", spied)
    return found


def distil(*given) -> int:
    return combine("distil", *given, "--epochs", 1, "--misspelled", 1, "--threads", 1)


def test_a_run_s_language_is_in_its_contract(german):
    assert language_of(german / "run") == {"language": "de", "confusions": []}
    assert contract.load(german / "models" / "intent").language == "de"
    assert contract.load(STARTER / "intent").language == "en"


def test_what_is_made_of_a_run_has_its_language(german, tmp_path):
    run = german / "run"
    assert combine("average", run, run, "--out", tmp_path / "mean") == 0
    assert combine("prune", tmp_path / "mean", "--layers", 0, "--out", tmp_path / "cut") == 0
    assert language_of(tmp_path / "cut")["language"] == "de"


def test_a_student_is_misspelled_in_its_teachers_language(german, tmp_path, drawn):
    given = ("--teachers", german / "run", "--queries", german / "mine.csv")
    assert distil(*given, "--out", tmp_path / "small") == 0
    assert drawn and all(one == typos_of("de") for one in drawn)
    assert json.loads((tmp_path / "small" / "run.json").read_text())["recipe"]["language"] == "de"
    assert language_of(tmp_path / "small")["language"] == "de"


def test_a_student_is_misspelled_as_it_is_told(german, sets, tmp_path, drawn):
    (tmp_path / "log.txt").write_text("\n".join(f"{t} {n}" for t, _ in CHINESE for n in range(5)))
    given = ("--teachers", german / "run", "--text", tmp_path / "log.txt", "--language", "zh")
    assert distil(*given, "--confusions", sets, "--out", tmp_path / "small") == 0
    assert drawn and all(one == typos_of("zh", (sets,)) for one in drawn)
    assert language_of(tmp_path / "small") == {"language": "zh", "confusions": [sets]}


def test_what_a_student_cannot_be_misspelled_with_is_refused(german, tmp_path, capsys):
    other = tmp_path / "other"
    shutil.copytree(german / "run", other)
    (other / "run.json").unlink()
    given = ("--queries", german / "mine.csv", "--out", tmp_path / "small")
    assert distil("--teachers", german / "run", *given, "--language", "zh") == 2
    assert "give --confusions, or --misspelled 0" in capsys.readouterr().err
    assert distil("--teachers", german / "run", other, *given) == 2
    assert "several languages (de, en): give --language" in capsys.readouterr().err
    assert distil("--teachers", german / "run", *given, "--confusions", "sets.txt") == 2
    assert "give --language zh, or leave the sets out" in capsys.readouterr().err


READ = {  # what a student of each kind is asked; documents stand as they are
    "encoder": [*((text, "") for text, _ in CHINESE), ("", "红鞋")],
    "intent": [Example(text, ()) for text, _ in CHINESE],
    "matching": [(text, "鞋") for text, _ in CHINESE],
    "tagging": [(text,) for text, _ in CHINESE],
}


@pytest.mark.parametrize("kind", READ)
def test_students_of_every_kind_read_the_typos_of_the_language(kind, sets, tmp_path, drawn):
    start, part = toy.write(tmp_path / "toy", layers=1), KINDS[kind].part("distilling")
    if kind == "intent":  # of all three heads
        given = {"sentiments": SENTIMENTS, "tags": labels_of(["color"])}
        networks.save(toy.classifier(start, **given), start)
    network, asked = part.student(start, [start]), READ[kind]
    tokenizer = networks.tokenizer_of(start)
    recipe = SimpleNamespace(misspelled=1.0, temperature=1.0, language="zh", confusions=(sets,))
    recipe.label_weight = 0.0
    wanted = part.pooled([part.says(network, tokenizer, asked)])
    loss = part.Loss(network, tokenizer, asked, wanted, recipe)
    assert torch.isfinite(loss(list(range(len(asked)))))
    assert drawn == [typos_of("zh", (sets,))] * 4


@pytest.fixture
def chinese(tmp_path):
    """The starter's intent model as if it were Chinese, and Chinese queries."""
    shutil.copytree(STARTER / "intent", tmp_path / "intent")
    file = tmp_path / "intent" / "model.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"language": "zh"}))
    rows = [{"query": text, "intent": "browse"} for text, _ in CHINESE]
    (tmp_path / "dev.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return ["evaluate", "intent", "--json", "--model", str(file.parent), "--dev",
            str(tmp_path / "dev.jsonl")]  # fmt: skip


def test_a_chinese_model_is_judged_with_the_typos_of_chinese(chinese, sets, capsys):
    assert main([*chinese, "--language", "de", "--confusions", sets]) == 2
    assert "give --language zh, or leave the sets out" in capsys.readouterr().err
    assert main(chinese) == 0
    assert json.loads(capsys.readouterr().out)["typos"] == {}
    assert main([*chinese, "--confusions", sets]) == 0
    assert set(json.loads(capsys.readouterr().out)["typos"]) == {"one typo", "two typos"}


def test_slips_of_letters_do_nothing_to_chinese(chinese, capsys):
    assert main([*chinese, "--language", "en"]) == 0
    typos = json.loads(capsys.readouterr().out)["typos"]
    assert {name: found["drop"] for name, found in typos.items()} == {
        "one typo": 0.0,
        "two typos": 0.0,
    }
