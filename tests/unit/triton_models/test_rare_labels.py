"""Rare labels of a manifest that is split by key: enough of them are learned from, or refused."""

import json

from tests.skips import skip_or_fail
from triton_models.__main__ import main
from triton_models.data.dataset import load_labelled, load_pairs, load_tagged
from triton_models.data.split import FEWEST, is_dev


def source(name="mine", file="mine.csv", form="queries", split="by_key"):
    """A [[source]] of a manifest."""
    keys = {"name": name, "path": file, "format": form, "licence": "own", "split": split}
    return "[[source]]\n" + "".join(f'{key} = "{value}"\n' for key, value in keys.items())


def queries(count, dev):
    """Texts whose hash puts them on one side of the split."""
    texts = (f"query {i}" for i in range(2000))
    return [text for text in texts if is_dev(text) == dev][:count]


def sides(path):
    """The queries of each side, with their labels."""
    return tuple({(row.query, row.intent) for row in side} for side in load_labelled(path))


def test_by_key_gives_rare_labels_back_to_training_whatever_the_order_of_rows(write):
    common = [f"{text},usual" for text in queries(20, False) + queries(20, True)[10:]]
    rare = [f"{text},odd" for text in queries(5, True)[:5]]
    one = source()
    learned, dev = sides(write(one, mine_csv="query,intent\n" + "\n".join(common + rare)))
    assert sorted(label for _, label in learned if label == "odd") == ["odd"] * FEWEST
    assert {label for _, label in dev} == {"usual", "odd"}
    assert {text for text, label in dev if label == "usual"} == set(queries(20, True)[10:])
    again = write(one, mine_csv="query,intent\n" + "\n".join(rare[::-1] + common[::-1]))
    assert sides(again) == (learned, dev)


def test_rows_that_leak_and_are_left_out_do_not_count_as_learned_from(write):
    common = [f"{text},usual" for text in queries(20, False)]
    rare = [f"{text},odd" for text in queries(2, True)]
    both = "query,intent\n" + "\n".join(common + rare)
    sources = source("a", "a.csv", split="train"), source("b", "b.csv")
    path = write('leaks = "drop"', *sources, a_csv=both, b_csv=both)
    learned, _ = sides(path)
    assert sorted(label for _, label in learned if label == "odd") == ["odd"] * FEWEST


def test_a_key_is_given_back_with_all_its_rows_of_every_source(write):
    held, learned = queries(4, True), queries(4, False)
    tags = [{"tokens": text.split(), "tags": ["O", "B-number"]} for text in held[:2]]
    tagged = source("tags", "tags.jsonl", "tagged")
    path = write(
        source(),
        tagged,
        mine_csv="query,intent\n" + "".join(f"{text},a\n" for text in held + learned),
        tags_jsonl="\n".join(map(json.dumps, tags)),
    )
    assert {row.query for row in load_labelled(path).train} == {*held[:2], *learned}
    assert {row.query for row in load_tagged(path).train} == set(held[:2])


def test_what_a_source_of_dev_has_is_not_given_back(write):
    held = queries(3, True)
    path = write(
        source(),
        source("dev", "dev.csv", split="dev"),
        mine_csv="query,intent\n" + "".join(f"{text},odd\n" for text in held),
        dev_csv=f"query,intent\n{held[0]},odd\n",
    )
    assert {row.query for row in load_labelled(path).train} == set(held[1:])


def test_a_pair_of_each_grade_is_learned_from(write):
    rows = [*((text, 1) for text in queries(6, False)), *((text, 0) for text in queries(4, True))]
    path = write(
        source(form="pairs"),
        mine_csv="query,term,grade\n" + "".join(f"{text},t,{grade}\n" for text, grade in rows),
    )
    assert [pair.match for pair in load_pairs(path).train].count(0) == FEWEST


def test_a_label_too_rare_to_learn_is_refused(write, tmp_path, capsys):
    try:
        from tests.unit.triton_models import toy
    except ModuleNotFoundError as missing:
        skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")
    rows = [f"{text},{'ab'[i % 2]}" for i, text in enumerate(queries(20, False))]
    rows += [f"{queries(1, True)[0]},odd"]
    path = write(source(), mine_csv="query,intent\n" + "\n".join(rows))
    given = ["--manifest", path, "--start", toy.write(tmp_path / "toy"), "--out", tmp_path / "run"]
    assert main(["finetune", "intent", *map(str, given)]) == 2
    told = "'odd' (1): fewer than 2 queries to learn from; give more, or leave the label out"
    assert told in capsys.readouterr().err
