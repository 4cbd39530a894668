"""`select` takes doubtful texts that differ, and none that is labelled already."""

import csv
import sys

import numpy as np
import pytest

from tests.skips import skip_or_fail

try:
    import sklearn  # noqa: F401
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from triton_models.__main__ import main
from triton_models.data.sheet import Line
from triton_models.evaluation import doubts
from triton_models.kinds import KINDS
from triton_models.labelling import select
from triton_models.settings import STARTER


def rows_of(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_doubt_is_highest_between_two_labels_and_lowest_at_one():
    said = np.array([[1.0, 0, 0], [0.5, 0.5, 0], [1 / 3] * 3])
    assert doubts.margin(said).tolist() == [0, 1, 1]
    assert doubts.entropy(said).tolist() == pytest.approx([0, np.log(2) / np.log(3), 1])


def test_one_of_each_cluster_is_taken_the_most_doubtful_first():
    groups = np.repeat(np.eye(3), 20, axis=0)
    doubt = np.linspace(0.5, 1, 60)
    forms = [f"{chr(97 + i // 20) * 5} {i * 7919}" for i in range(60)]
    picked = select.picks(groups, doubt, forms, 3)
    assert picked.tolist() == [59, 39, 19]


def test_near_duplicates_are_taken_once_and_room_is_filled():
    forms = ["red running shoes", "red running shoess", "blue kettle", "oak desk"]
    found = np.array([[1.0, 0], [0, 1.0], [0.9, 0.1], [0.1, 0.9]])
    picked = select.picks(found, np.array([0.9, 0.8, 0.7, 0.6]), forms, 3)
    assert sorted(picked) == [0, 2, 3]


def test_labelled_texts_and_nearly_equal_ones_never_come_again():
    rows = [Line("Red  Running Shoes"), Line("red running shoes!"), Line("oak desk"), Line("tv")]
    kept = select.fresh(rows, ["red running shoes", "tv"])
    assert [row.text for row in kept] == ["oak desk"]


@pytest.mark.parametrize("by", ["margin", "entropy"])
def test_texts_of_a_log_become_a_sheet_without_those_of_the_data(by, tmp_path):
    log, mine = tmp_path / "log.txt", tmp_path / "mine.csv"
    things = ("shoes", "lamp", "desk", "phone", "tent", "ladder")
    asks = ("where is my {}", "cheap {}", "is the {} any good", "{} broken", "hello {}")
    texts = [ask.format(thing) for ask in asks for thing in things]
    log.write_text("\n".join(texts))
    mine.write_text("query,intent\n" + "\n".join(f"{text},browse" for text in texts[:15]))
    out = tmp_path / "s.csv"
    given = ["select", "intent", log, "--model", STARTER / "intent", "--labelled", mine]
    assert main([*map(str, [*given, "--count", 6, "--by", by, "--out", out])]) == 0
    rows = rows_of(out)
    assert len(rows) == 6 and {row["text"] for row in rows} <= set(texts[15:])
    assert all(row["label"] == row["given"] == "" and row["suggested"] for row in rows)
    labels = ["browse", "inquiry"]
    mine.write_text(mine.read_text() + "\nhow much,inquiry\n")
    done = [row | {"label": labels[i % 2]} for i, row in enumerate(rows)]
    with out.open("w", encoding="utf-8") as file:
        table = csv.DictWriter(file, done[0])
        table.writeheader()
        table.writerows(done)
    assert main(["merge", "intent", str(out), "--into", str(mine), "--out", str(mine)]) == 0
    assert len(rows_of(mine)) == 15 + 1 + 6
    given = [*given, "--count", 30, "--out", tmp_path / "again.csv"]
    assert main([*map(str, given)]) == 0
    again = {row["text"] for row in rows_of(tmp_path / "again.csv")}
    assert again and not again & {row["text"] for row in rows}


def test_pairs_are_chosen_near_the_threshold(tmp_path):
    log, mine = tmp_path / "pairs.tsv", tmp_path / "mine.tsv"
    terms = ("couch", "armchair", "drill", "cat food", "settee", "table", "lamp", "loveseat")
    log.write_text("\n".join(f"sofa\t{term}" for term in terms))
    mine.write_text("query\tterm\tgrade\nsofa\tcouch\t1\n")
    out = tmp_path / "s.tsv"
    given = ["select", "matching", log, "--model", STARTER / "matching", "--labelled", mine]
    assert main([*map(str, [*given, "--count", 3, "--out", out])]) == 0
    with out.open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len(rows) == 3 and "couch" not in {row["term"] for row in rows}


def test_a_score_at_the_threshold_is_the_most_doubtful():
    class Contract:
        threshold = 0.8

    part = KINDS["matching"].part("labels")
    found = part.doubt(np.array([0.0, 0.4, 0.8, 1.0]), Contract, "margin")
    assert found.tolist() == pytest.approx([0, 0.5, 1, 0])


def test_nothing_left_is_told(tmp_path, capsys):
    (tmp_path / "log.txt").write_text("red shoes\n")
    (tmp_path / "mine.csv").write_text("query,intent\nred shoes,browse\n")
    given = ["select", "intent", tmp_path / "log.txt", "--model", STARTER / "intent"]
    given += ["--labelled", tmp_path / "mine.csv", "--out", tmp_path / "s.csv"]
    assert main([*map(str, given)]) == 2
    assert "every text is labelled already" in capsys.readouterr().err


def test_without_scikit_learn_the_remedy_is_told(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)
    monkeypatch.delitem(sys.modules, "triton_models.labelling.select", raising=False)
    given = ("log.txt", "--model", "m", "--labelled", "mine.csv", "--out", tmp_path / "s.csv")
    assert main(["select", "intent", *map(str, given)]) == 2
    assert "`make install-training` adds" in capsys.readouterr().err
