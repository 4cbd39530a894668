"""The manifest: faults by file and line, the split by key, and what the trainers take from it."""

import gzip
import json
from pathlib import Path

import pytest

from triton_models.__main__ import main
from triton_models.data import manifest_file
from triton_models.data.dataset import load, load_labelled, load_pairs, load_texts
from triton_models.data.reading import on_dev_side
from triton_models.data.split import is_dev
from triton_models.settings import LABELS, PACKAGE, UsageError

EXAMPLE = PACKAGE / "data" / "example" / "manifest.toml"


def source(**keys: str) -> str:
    """A [[source]] of queries, with what the keys change or add, as TOML values."""
    usual = {
        "name": '"mine"',
        "path": '"mine.csv"',
        "format": '"queries"',
        "licence": '"own"',
        "split": '"train"',
    }
    return "[[source]]\n" + "".join(f"{k} = {v}\n" for k, v in (usual | keys).items() if v)


def fault(path: Path) -> str:
    with pytest.raises(UsageError) as told:
        load(path)
    return str(told.value)


@pytest.mark.parametrize(
    ("keys", "line", "told"),
    [
        ({"split": '"half"'}, 6, "split: found 'half', expected one of train, dev, by_key"),
        ({"licence": ""}, 1, "licence is missing"),
        ({"weight": "-1"}, 7, "weight: found -1, expected a number above 0"),
        ({"colour": "1"}, 7, "'colour' is not known"),
        ({"path": '"none.csv"'}, 3, "none.csv not found"),
        ({"path": '"mine.xls"'}, 3, "name it .jsonl"),
        ({"columns": '{ title = "t" }'}, 7, "'title' is none of our columns: query, intent"),
        ({"key": '"query"'}, 6, "key and dev_share go with split by_key"),
        ({"catalogue": '"products"'}, 7, "catalogue goes with format clicks"),
        ({"labels": "{ a = 1.0 }"}, 7, "a label is a text"),
        ({"label": '"a"', "labels": '{ a = "b" }'}, 7, "not both"),
        ({"format": '"clicks"', "catalogue": '"shop"'}, 7, "no catalogue is named 'shop'"),
    ],
)
def test_a_fault_of_the_manifest_is_named_by_line(write, keys, line, told):
    path = write(source(**keys), mine_csv="query,intent\nred shoes,browse\n")
    assert f"manifest.toml:{line}: " in fault(path) and told in fault(path)


@pytest.mark.parametrize(
    ("keys", "text", "place", "told"),
    [
        ({}, "query,topic\na,b\n", ":2: ", "no column 'intent', there are: query, topic"),
        ({}, "query,intent\n,b\n", ":2: ", "query: found '', expected text"),
        ({}, "query,intent\na,b\na,b,c\n", ":3: ", "3 columns, the first line has 2"),
        ({}, 'query,intent\n"a\nb",x\na,\n', ":4: ", "intent: found nothing"),
        ({"labels": '{ x = "y" }'}, "query,intent\na,b\n", ":2: ", "'b' is not in labels"),
        ({}, "", ": ", "no row in it"),
        ({"split": '"by_key"', "key": '"who"'}, "query,intent\na,b\n", ":2: ", "no column 'who'"),
        (
            {"format": '"pairs"', "labels": "{ E = 1.0 }"},
            "query,term,grade\na,b,E\na,c,X\n",
            ":3: ",
            "'X' is not in labels",
        ),
        ({"format": '"pairs"'}, "query,term,grade\na,b,3\n", ":2: ", "a number from 0 to 1"),
        (
            {"format": '"clicks"'},
            "query,item,clicks,impressions\na,b,-1,9\n",
            ":2: ",
            "clicks: found '-1', expected a whole number",
        ),
        ({"labels": '{ b = "" }'}, "query,intent\na,b\n", ": ", "of 1 rows no label is kept"),
        ({"format": '"catalogue"'}, "id,title\n1,a\n1,b\n", ":3: ", "'1' is in line 2 too"),
    ],
)
def test_a_fault_of_a_file_is_named_by_line(write, keys, text, place, told):
    path = write(source(**keys), mine_csv=text)
    assert f"mine.csv{place}" in fault(path) and told in fault(path)


def test_every_fault_is_in_one_listing(write):
    lines = '{"query": "a", "intent": "x"}\n[1]\n{"query": 1\n{"intent": "x"}\n'
    other = source(name='"other"', path='"other.csv"')
    path = write(
        'intents = ["x", "y"]',
        source(path='"mine.jsonl"'),
        other,
        mine_jsonl=lines,
        other_csv="query,intent\na,z\n",
    )
    told = fault(path)
    assert told.startswith(f"{path}: 4 faults\n")
    for part in ("mine.jsonl:2: not a JSON", "mine.jsonl:3: not JSON", "mine.jsonl:4: query"):
        assert part in told
    assert "other.csv:2: 'z' is not in intents" in told


def test_a_fault_is_exit_2_without_a_traceback(write, capsys):
    path = write(source(split='"half"'), mine_csv="query,intent\na,b\n")
    assert main(["data", str(path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("triton_models data: ") and error.count("\n") == 1


def test_labels_are_mapped_left_out_and_joined(write):
    labels = '{ refund = "complaint", chat = "", "*" = "other" }'
    text = "query,intent\nmoney back,refund\nhi,chat\nrain,weather\nboth,refund|weather\n"
    found = load_labelled(write(source(labels=labels), mine_csv=text)).train
    assert [(q.query, q.intent) for q in found] == [
        ("money back", "complaint"),
        ("rain", "other"),
        ("both", "complaint|other"),
    ]


def test_formats_of_files_read_the_same(write, tmp_path):
    with gzip.open(tmp_path / "b.jsonl.gz", "wt") as file:
        file.write('{"q": "red  shoes", "intent": ["browse"]}\n')
    plain = source(name='"c"', path='"c.txt"', label='"browse"')
    named = source(name='"b"', path='"b.jsonl.gz"', columns='{ query = "q" }')
    table = source(name='"a"', path='"a.csv"', delimiter='"\\t"')
    for part, text in ((plain, {"c_txt": "red shoes\n\n"}), (named, {}), (table, {"a_csv": TABLE})):
        found = load_labelled(write(part, **text)).train
        assert [(q.query, q.intent) for q in found] == [("red shoes", "browse")]


TABLE = "\ufeffquery\tintent\n red shoes \tbrowse\n"


def test_the_split_is_the_rule_of_the_sets_and_takes_a_share():
    made = [s for s in manifest_file.read(EXAMPLE).sources if s.name == "searches"][0]
    of = type(made)(made.name, made.path, "queries", "own", "by_key")
    keys = [f"query {i}" for i in range(2000)]
    assert [on_dev_side(of, key) for key in keys] == [is_dev(key) for key in keys]
    share = sum(on_dev_side(made, key) for key in keys) / len(keys)
    assert made.dev_share == 25 and 0.22 < share < 0.28


def test_equal_keys_of_all_sources_are_on_one_side(write):
    rows = "".join(f"query {i},x\n" for i in range(300))
    shouted = "".join(f"QUERY  {i},x\n" for i in range(300))
    path = write(
        source(split='"by_key"'),
        source(name='"b"', path='"b.csv"', split='"by_key"'),
        mine_csv="query,intent\n" + rows,
        b_csv="query,intent\n" + shouted,
    )
    data = load(path)
    assert len(data.queries) == 600 and 20 < sum(q.dev for q in data.queries) < 180
    train, dev = ({q.form for q in data.queries if q.dev == side} for side in (False, True))
    assert not train & dev


CONFLICT = {"mine_csv": "query,intent\nA b,x\nc,x\n", "dev_csv": "query,intent\na  B,x\nd,x\n"}


def test_a_key_on_both_sides_is_refused_and_told(write, capsys):
    path = write(source(), source(name='"dev"', path='"dev.csv"', split='"dev"'), **CONFLICT)
    assert "1 key(s) on both sides" in fault(path)
    folder = path.parent
    assert f"'a b': {folder}/mine.csv:2 (train), {folder}/dev.csv:2 (dev)" in fault(path)
    assert main(["data", str(path)]) == 2
    shown = capsys.readouterr()
    assert "Keys on both sides" in shown.out and 'leaks = "drop"' in shown.err


def test_leaks_are_dropped_from_training_where_the_manifest_says_so(write):
    dev = source(name='"dev"', path='"dev.csv"', split='"dev"')
    train, held_out = load_labelled(write('leaks = "drop"', source(), dev, **CONFLICT))
    assert [q.query for q in train] == ["c"]
    assert [q.query for q in held_out] == ["a B", "d"]


def test_what_is_dropped_is_the_key_and_the_very_query(write):
    keyed = {"split": '"by_key"', "key": '"who"', "dev_share": "50"}
    whos = [f"Ann {i}" for i in range(40)]
    rows = "".join(f"from {who},x,{who}\nshared,x,{who}\n" for who in whos)
    fixed = "".join(f"other {who},x,{who.upper().replace(' ', '  ')}\n" for who in whos)
    path = write(
        'leaks = "drop"',
        source(**keyed),
        source(name='"fixed"', path='"fixed.csv"', split='"train"'),
        source(name='"again"', path='"again.csv"', **keyed),
        mine_csv="query,intent,who\n" + rows,
        fixed_csv="query,intent\nshared,x\nelse,x\n",
        again_csv="query,intent,who\n" + fixed,
    )
    data = load(path)
    assert {q.form for q in data.queries if q.source == "fixed"} == {"else"}
    sides = {side: {q.key for q in data.queries if q.dev == side} for side in (True, False)}
    assert len(sides[True]) > 5 and not sides[True] & sides[False]
    by_name = {q.form.removeprefix("other "): q.dev for q in data.queries if q.source == "again"}
    mine = {q.form.removeprefix("from "): q.dev for q in data.queries if q.source == "mine"}
    assert all(by_name[who.lower()] == mine[who.lower()] for who in whos)  # however it is spelled


def test_a_key_is_dropped_though_its_queries_differ(write):
    keyed = {"split": '"by_key"', "key": '"who"'}
    rows = [(f"q{i}", f"k{i}") for i in range(100)]
    text = "query,intent,who\n" + "".join(f"{q},x,{k}\n" for q, k in rows)
    half = text.replace("\nq", "\nanother q")
    path = write(
        'leaks = "drop"',
        source(**keyed),
        source(name='"b"', path='"b.csv"', **keyed, dev_share="60"),
        mine_csv=text,
        b_csv=half,
    )
    data = load(path)
    assert not {q.key for q in data.queries if q.dev} & {q.key for q in data.queries if not q.dev}
    assert len(data.queries) < 200


def test_clicks_become_grades_against_the_most_clicked_item(write):
    text = (
        "query,item,clicks,impressions\n"
        "lamp,best,40,100\nlamp,best,40,100\nlamp,half,40,200\nlamp,never,0,200\nlamp,new,3,10\n"
        "dull,rare,1,300\n"
    )
    path = write(source(format='"clicks"'), mine_csv=text)
    grades = {(p.query, p.term): p.grade for p in load_pairs(path).train}
    assert grades["lamp", "best"] == 1.0
    assert grades["lamp", "half"] == pytest.approx(0.5, abs=0.02)
    assert grades["lamp", "never"] < 0.05
    assert grades["dull", "rare"] < 0.1  # the most clicked of its query, and still hardly clicked
    assert ("lamp", "new") not in grades
    assert {p.term for p in load_pairs(path).train if p.match} >= {"best"}


def test_a_log_without_impressions_gives_what_was_clicked_often(write):
    text = "query,item,count\nlamp,arc,9\nlamp,spot,1\ndesk,oak,5\n"
    found = load_pairs(write(source(format='"clicks"'), mine_csv=text)).train
    assert {(p.query, p.term) for p in found if p.match} == {("lamp", "arc"), ("desk", "oak")}
    wrong = {(p.query, p.term) for p in found if not p.match}
    assert wrong and wrong <= {("lamp", "oak"), ("desk", "arc"), ("desk", "spot")}


def test_items_that_the_catalogue_has_no_more_are_left_out_and_counted(write):
    path = write(
        source(format='"clicks"', catalogue='"shop"'),
        source(name='"shop"', path='"shop.csv"', format='"catalogue"'),
        mine_csv="query,item,clicks,impressions\nlamp,1,9,90\nlamp,2,9,90\n",
        shop_csv="id,title\n1,Arc lamp\n",
    )
    data = load(path)
    assert [click.item for click in data.clicks] == ["Arc lamp"]
    assert data.left_out["mine"] == 1


def test_no_category_that_a_title_belongs_to_is_set_against_it(write):
    rows = [(f"Sofa {i}", "Home > Sofas") for i in range(20)] + [("Vase", "Home")]
    rows += [(f"Stool {i}", f"Seats > {kind}") for i in range(20) for kind in ("Bar", "Low")]
    lines = "".join(f"{i},{title},{path}\n" for i, (title, path) in enumerate(rows))
    path = write(source(format='"catalogue"'), mine_csv="id,title,category\n" + lines)
    found = {(p.query, p.term): p.match for p in load_pairs(path).train}
    assert all(found.get((f"Sofa {i}", "Home"), 1) for i in range(20))  # the level above
    assert all(found[f"Stool {i}", kind] for i in range(20) for kind in ("Bar", "Low"))
    assert any(match == 0 and query != "Vase" for (query, _), match in found.items())


def test_a_pair_of_dev_is_not_learned_from_though_its_key_is_another(write):
    rows = [
        f"sofa,{'Couch' if i % 2 else 'couch'},1,c{i}\nsofa,chair {i},0,c{i}\n" for i in range(40)
    ]
    keyed = {"format": '"pairs"', "split": '"by_key"', "key": '"customer"'}
    path = write(source(**keyed), mine_csv="query,term,grade,customer\n" + "".join(rows))
    learned, dev = load_pairs(path)
    assert {p.term.lower() for p in dev} >= {"couch"}
    assert len(learned) > 20  # the chairs of the others
    assert not {p.term.lower() for p in learned} & {p.term.lower() for p in dev}


def test_a_text_of_both_sides_is_not_held_out(write):
    rows = "".join(f"query {i},One sofa,1\n" for i in range(60))
    keyed = {"format": '"pairs"', "split": '"by_key"'}
    texts = load_texts(write(source(**keyed), mine_csv="query,term,grade\n" + rows))
    assert "One sofa" in texts.train and "One sofa" not in texts.dev
    assert texts.dev and not set(texts.train) & set(texts.dev)


def test_a_catalogue_pairs_titles_with_categories_and_titles_of_one_product(write):
    rows = [
        ("1", "Arc black", "Light > Floor", "arc"),
        ("2", "Black arc lamp", "Light > Floor", "arc"),
        ("3", "Tripod", "Light > Floor", "tri"),
        ("4", "Clip", "Light > Desk", ""),
        *((f"s{i}", f"Seat {i}", f"Seats > Kind {i}", "") for i in range(20)),
    ]
    lines = "".join(
        json.dumps(dict(zip(("id", "title", "category", "product"), row, strict=True))) + "\n"
        for row in rows
    )
    path = write(source(format='"catalogue"', path='"mine.jsonl"'), mine_jsonl=lines)
    found = {(p.query, p.term): p.match for p in load_pairs(path).train}
    assert found["Clip", "Desk"] == 1 and found["Seat 7", "Kind 7"] == 1
    assert found["Clip", "Floor"] == 0  # the near category, none of the seats
    assert found["Arc black", "Black arc lamp"] == 1
    assert found["Arc black", "Tripod"] == 0


def test_the_example_trains_every_label_and_leaks_nothing():
    data = load(EXAMPLE)
    assert load_labelled(data) == load_labelled(EXAMPLE)  # the same each time
    train, dev = load_labelled(data)
    assert {q.intent for q in train} == {q.intent for q in dev} == set(LABELS)
    assert not {q.query.casefold() for q in train} & {q.query.casefold() for q in dev}
    pairs = load_pairs(data)
    assert {p.source for p in pairs.train} == {"judged", "products", "clicks"}
    assert 0.3 < sum(p.match for p in pairs.train) / len(pairs.train) < 0.7
    assert not {(p.source, p.key) for p in pairs.train} & {(p.source, p.key) for p in pairs.dev}
    assert data.manifest.weights["browsed"] == 0.5
    assert "white desk" in load_texts(data).train
