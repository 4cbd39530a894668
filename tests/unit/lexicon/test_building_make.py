"""A build: the same bytes from the same files, only new texts encoded, nothing lost by an
interrupt, and a lexicon that the worker reads."""

from contextlib import nullcontext

import orjson
import pytest

from worker.config.settings import STARTER_MODELS
from worker.errors import LexiconError
from worker.lexicon.building import cache, make
from worker.lexicon.lexicon import Lexicon

RULES = "kettle, water boiler\nmp3 player => music player\n"


def catalogue(path, extra=""):
    rows = ["id,title,brand,category"]
    kinds = {"Electric Kettle": "Kitchen > Kettles", "Slot Toaster": "Kitchen > Toasters"}
    for n in range(12):
        for kind, category in kinds.items():
            brand = ["Acme", "Bolt", "Core"][n % 3]
            rows.append(f"{n}{kind[0]},{brand} {kind} {n} W,{brand},{category}")
    path.write_text("\n".join(rows) + "\n" + extra)
    return path


def made(folder, out, **others):
    (folder / "rules.txt").write_text(RULES)
    inputs = make.Inputs([folder / "a.csv"], synonyms=[folder / "rules.txt"], **others)
    return make.make(inputs, STARTER_MODELS, out, _no_bar)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def comparable(folder):
    """All files, without how many texts the models were asked about."""
    found = contents(folder)
    report = orjson.loads(found.pop("report.json"))
    del found["report.md"], report["counts"]["encoded"], report["counts"]["matched"]
    return found | {"report": report}


def _no_bar(label, total):
    return nullcontext(lambda count: None)


MORE = "x,Acme Travel Kettle 1 W,Acme,Kitchen > Travel Kettles\n"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    catalogue(folder / "a.csv")
    return folder, made(folder, folder / "out")


def test_the_worker_reads_what_was_built(built):
    folder, told = built
    lexicon = Lexicon.load(folder / "out")
    read = lexicon.read("acme electric kettles 7 w")
    assert [lexicon.name(m.term_id) for m in read.mentions] == ["electric kettle"]
    assert lexicon.category(read.mentions[0].term_id) == "Kitchen > Kettles"
    assert ("brand", "acme") in [(a.name, a.value) for a in read.attributes]
    [mention] = lexicon.read("kettles").mentions
    names = {lexicon.name(n) for n in lexicon.upwards(mention.term_id)}
    assert names == {"kettles", "kitchen"}
    assert told["version"] == lexicon.version
    assert told["counts"]["names_by_kind"] == {"rule": 2}


def test_every_link_keeps_what_it_rests_on(built):
    lines = (built[0] / "out" / "evidence.jsonl").read_bytes().splitlines()
    evidence = {line["term"]: line for line in map(orjson.loads, lines)}
    kettle = evidence["kettles"]
    assert kettle["names"]["water boiler"] == {
        "kind": "rule",
        "weight": 0.97,
        "file": "rules.txt:1",
    }
    assert kettle["parent"]["term"] == "kitchen" and kettle["parent"]["kind"] == "category"
    assert evidence["electric kettle"]["origins"]["titles"]["titles"] == 12


def test_the_same_files_give_the_same_bytes(built, tmp_path):
    catalogue(tmp_path / "a.csv")
    made(tmp_path, tmp_path / "out")
    assert comparable(tmp_path / "out") == comparable(built[0] / "out")


def test_a_build_after_a_change_encodes_what_is_new_and_equals_one_from_nothing(tmp_path):
    catalogue(tmp_path / "a.csv")
    first = made(tmp_path, tmp_path / "out")
    catalogue(tmp_path / "a.csv", MORE)
    second = made(tmp_path, tmp_path / "out")
    whole = made(tmp_path, tmp_path / "from_nothing")
    assert first["counts"]["encoded"] > 5
    assert second["counts"]["encoded"] == 1  # travel kettles
    assert whole["counts"]["encoded"] == first["counts"]["encoded"] + 1
    assert comparable(tmp_path / "out") == comparable(tmp_path / "from_nothing")


def test_an_interrupted_build_goes_on_where_it_was(tmp_path, monkeypatch):
    catalogue(tmp_path / "a.csv")
    monkeypatch.setattr(cache, "_WRITTEN", 2)
    asked = []

    def interrupted(self, texts, *_):
        asked.extend(texts)
        if len(asked) > 5:
            raise KeyboardInterrupt
        return run(self, texts)

    run = make.Predictor.run
    monkeypatch.setattr(make.Predictor, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        made(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(make.Predictor, "run", run)
    resumed = made(tmp_path, tmp_path / "out")
    whole = made(tmp_path, tmp_path / "whole")
    assert resumed["counts"]["encoded"] == whole["counts"]["encoded"] - 4
    assert comparable(tmp_path / "out") == comparable(tmp_path / "whole")
    left = {path.name for path in tmp_path.iterdir()} - {"a.csv", "rules.txt", "out", "whole"}
    assert not left


def test_faults_of_all_files_are_listed_and_nothing_is_written(tmp_path):
    (tmp_path / "a.csv").write_text("id,title\n1,\n")
    (tmp_path / "t.txt").write_text("A > \n")
    with pytest.raises(LexiconError) as caught:
        made(tmp_path, tmp_path / "out", taxonomies=[tmp_path / "t.txt"])
    assert "a.csv:2: found no title" in str(caught.value)
    assert "t.txt:1: found 'A >'" in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_catalogue_without_any_term_says_what_to_give(tmp_path):
    (tmp_path / "a.csv").write_text("id,title\n1,Thing\n")
    inputs = make.Inputs([tmp_path / "a.csv"])
    with pytest.raises(LexiconError, match="no term found in 1 products; give more products"):
        make.make(inputs, STARTER_MODELS, tmp_path / "out", _no_bar)


def test_a_product_that_is_there_twice_counts_once(tmp_path):
    again = "0E,Acme Electric Kettle 0 W,Acme,Kitchen > Kettles\n"
    file = catalogue(tmp_path / "a.csv", extra=again)
    report = make.make(make.Inputs([file]), STARTER_MODELS, tmp_path / "out", _no_bar)
    counts = report["counts"]
    assert (counts["products"], counts["products_repeated"]) == (24, 1)
