"""A build: the same bytes from the same files, only new texts encoded, nothing lost by an
interrupt, and a lexicon that the worker reads."""

import os
from contextlib import nullcontext
from threading import Thread

import orjson
import pytest

from worker.config.settings import STARTER_MODELS
from worker.errors import LexiconError
from worker.lexicon.building import blocks, cache, make
from worker.lexicon.building import catalogue as catalogue_reader
from worker.lexicon.building.cache import Cache
from worker.lexicon.building.rows import Faults
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


def test_own_colours_and_genders_behind_a_name_are_no_terms(tmp_path):
    colours, genders = ("petrol", "mocha", "dunkel rot"), ("Damen", "Herren")
    rows = [
        {
            "id": f"{brand}{gender}{colour}",
            "title": f"{brand} Laufschuhe {gender} {colour}",
            "brand": brand,
            "category": f"{gender} > Laufschuhe",
            "attributes": {"Farbe": colour, "gender": gender, "department": "Laufschuhe"},
        }
        for brand in ("Acme", "Bolt", "Core")
        for gender in genders
        for colour in colours
    ]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(map(orjson.dumps, rows)))
    make.make(make.Inputs([tmp_path / "a.jsonl"]), STARTER_MODELS, tmp_path / "out", _no_bar)
    lexicon = Lexicon.load(tmp_path / "out")
    assert {lexicon.name(n) for n in range(len(lexicon))} == {"damen", "herren", "laufschuhe"}
    read = lexicon.read("laufschuhe damen dunkel rot")
    assert [lexicon.name(head.term_id) for head in lexicon.heads(read)] == ["laufschuhe"]
    assert [(a.name, a.value) for a in read.attributes] == [
        ("gender", "damen"),
        ("color", "dunkel rot"),
    ]


def test_things_that_some_colours_are_called_like_stay_terms(tmp_path):
    things = ("Beach Towel", "Honey Jar", "Raw Honey", "Petrol Mower")
    rows = [
        {"id": f"{brand}{thing}{n}", "title": f"{brand} {thing}, {n} pcs", "brand": brand}
        for brand in ("Acme", "Bolt", "Core")
        for thing in things
        for n in range(4)
    ]
    rows += [
        {
            "id": f"{colour}{n}",
            "title": f"{brand} Trail Shoe {colour}",
            "brand": brand,
            "attributes": {"color": colour},
        }
        for colour, count in (("Beach", 9), ("Honey", 3), ("Petrol", 9))
        for n in range(count)
        for brand in [("Acme", "Bolt", "Core")[n % 3]]
    ]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(map(orjson.dumps, rows)))
    make.make(make.Inputs([tmp_path / "a.jsonl"]), STARTER_MODELS, tmp_path / "out", _no_bar)
    lexicon = Lexicon.load(tmp_path / "out")
    names = {lexicon.name(n) for n in range(len(lexicon))}
    assert {thing.lower() for thing in things} | {"trail shoe"} <= names
    assert not {"beach", "petrol", "shoe beach", "trail shoe petrol", "trail shoe beach"} & names


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


def _rows(count):
    return [
        f'{{"id": "{n}", "title": "{brand} {kind} {n} W", "brand": "{brand}",'
        f' "category": "Kitchen > {kind.split()[-1]}s", "attributes": {{"color": "{color}"}}}}\n'
        for n in range(count)
        for brand in [["Acme", "Bolt", "Core", "Delo"][n % 4]]
        for kind in [["Electric Kettle", "Slot Toaster", "Stand Mixer"][n % 3]]
        for color in [["teal", "mint"][n % 2]]
    ]


EDITS = {
    "appended": lambda rows: [*rows, *(row.replace('"id": "', '"id": "x') for row in rows[:9])],
    "changed": lambda rows: [*rows[:81], rows[81].replace("Electric", "Travel"), *rows[82:]],
    "deleted": lambda rows: [*rows[:70], *rows[75:]],
    "moved": lambda rows: [*rows[30:], *rows[:30]],
    "a new kind": lambda rows: [*rows, *(row.replace("Electric", "Travel") for row in rows[:12])],
    "an id repeated far behind": lambda rows: [*rows, rows[3]],
    "an earlier row takes an id": lambda rows: [rows[150].replace("Core", "Acme"), *rows],
}


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "LEAST", 300)
    monkeypatch.setattr(blocks, "ONE_OF", 4)


@pytest.mark.parametrize("edit", EDITS)
def test_a_build_after_an_edit_equals_one_from_nothing(tmp_path, small_blocks, monkeypatch, edit):
    file, inputs = tmp_path / "a.jsonl", make.Inputs([tmp_path / "a.jsonl"])
    for rows in (_rows(160), EDITS[edit](_rows(160))):
        file.write_text("".join(rows))
        make.make(inputs, STARTER_MODELS, tmp_path / "out", _no_bar)
    make.make(inputs, STARTER_MODELS, tmp_path / "whole", _no_bar)
    assert comparable(tmp_path / "out") == comparable(tmp_path / "whole")


@pytest.mark.parametrize("edit", ["appended", "changed", "deleted"])
def test_only_blocks_with_a_change_are_read_again(tmp_path, small_blocks, monkeypatch, edit):
    read, products = [], catalogue_reader.products
    monkeypatch.setattr(
        catalogue_reader, "products", lambda block, *rest: read.append(1) or products(block, *rest)
    )
    counts = []
    for rows in (_rows(400), EDITS[edit](_rows(400))):
        (tmp_path / "a.jsonl").write_text("".join(rows))
        cache = Cache("", tmp_path / "cache", tmp_path / "partial")
        reader = catalogue_reader.Reader({}, cache, Faults())
        reader.read([tmp_path / "a.jsonl"], _no_bar)
        (tmp_path / "cache").write_bytes(cache.used())
        counts.append(len(read))
        read.clear()
    assert counts[0] > 50 and 1 <= counts[1] <= 6


def test_a_cut_within_quotes_is_seen_and_the_table_read_as_a_whole(tmp_path, small_blocks):
    rows = ["id,title\n"]
    for n in range(90):  # one quote that stands for inches: behind it, quotes seem open where not
        rows += [f'{n},Pipe 5" a\n', f'x{n},"Kettle\nof {n}\n"\n']
    (tmp_path / "a.csv").write_text("".join(rows))
    faults = Faults()
    for block in blocks.blocks(tmp_path / "a.csv", faults):
        assert [*block.rows(faults)] or faults
    assert faults
    faults = Faults()
    reader = catalogue_reader.Reader({}, Cache("", tmp_path / "c", tmp_path / "p"), faults)
    corpus = reader.read([tmp_path / "a.csv"], _no_bar)
    assert (len(corpus), faults) == (180, [])


def test_a_table_from_a_pipe_is_read_at_once(tmp_path, small_blocks):
    os.mkfifo(tmp_path / "pipe")
    content = "id,title\n" + "".join(f"{n},Kettle {n}\n" for n in range(300)) + "7,\n"
    writer = Thread(target=(tmp_path / "pipe").write_text, args=(content,))
    writer.start()
    faults = Faults()
    reader = catalogue_reader.Reader({}, Cache("", tmp_path / "c", tmp_path / "p"), faults)
    reader.read([tmp_path / "pipe"], _no_bar)
    writer.join()
    assert [str(fault).partition(";")[0] for fault in faults] == [
        "pipe:302: found no title, expected an id and a title"
    ]


def test_what_an_interrupt_cut_off_is_not_used(tmp_path):
    partial = tmp_path / "partial"
    for record in (b"one", b"two"):
        cache = Cache("kind", tmp_path / "whole", partial)
        cache.put(record.ljust(32), record)
        cache.flush()
        partial.write_bytes(partial.read_bytes() + b"x" * 40)
    cache = Cache("kind", tmp_path / "whole", partial)
    assert [cache.get(record.ljust(32)) for record in (b"one", b"two")] == [b"one", b"two"]
    assert Cache("other", tmp_path / "whole", partial).get(b"one".ljust(32)) is None
