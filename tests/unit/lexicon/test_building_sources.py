"""The files that a lexicon is built from: each form, encoding and fault."""

import gzip
import os
from threading import Thread

import pytest

from worker.errors import LexiconError
from worker.lexicon.building import sources
from worker.lexicon.building.blocks import blocks
from worker.lexicon.building.rows import MOST_FAULTS, Faults
from worker.lexicon.building.sources import Click, Product, Rule


def read(reader, tmp_path, name, content, *arguments):
    """What a reader gives for a file with this content, and its faults as text."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    faults = Faults()
    found = [*reader(path, *arguments, faults)]
    return found, [str(fault) for fault in faults]


def products(path, columns, faults, whole=False):
    for block in blocks(path, faults, whole):
        yield from sources.products(block, columns, faults)


ROBE = Product("7", "Red Robe", "Acme", ("Clothing", "Robes"), [("color", "Red")])
JSON = '{"id": 7, "title": "Red  Robe", "brand": "Acme", "category": "Clothing > Robes", '
JSON += '"attributes": {"color": "Red", "sleeves": 2}}\n'
CSV = (
    'id,title,brand,category,attributes\n7,Red Robe,Acme,Clothing > Robes,"{""color"": ""Red""}"\n'
)
PACKED = gzip.compress(CSV.encode(), mtime=0)  # the same bytes in each process


@pytest.mark.parametrize(
    "name, content",
    [
        ("a.jsonl", JSON),
        ("a.jsonl", "\ufeff\n" + JSON),
        ("a.jsonl.gz", gzip.compress(JSON.encode(), mtime=0)),
        ("a.csv", CSV),
        ("a.csv", CSV.replace("\n", "\r\n")),
        ("a.csv", CSV.encode("utf-16")),
        ("a.tsv", 'id\ttitle\tbrand\tcategory\tattributes\n7\t"Red\nRobe"\tAcme\tClothing>Robes\t'
         '"{""color"": ""Red""}"\n'),
    ],
)  # fmt: skip
def test_a_catalogue_is_read_in_each_form(tmp_path, name, content):
    assert read(products, tmp_path, name, content, {}) == ([ROBE], [])


def test_fields_may_be_called_otherwise_and_attributes_by_a_pattern(tmp_path):
    columns = sources.fields("title=name, brand=supplier,attributes=attr_*")
    line = '{"id": "1", "name": "Kettle", "supplier": "Acme", "attr_product_colour": "Red"}'
    [product], faults = read(products, tmp_path, "a.jsonl", line, columns)
    assert (product.title, product.brand, faults) == ("Kettle", "Acme", [])
    assert product.attributes == [("product colour", "Red")]


@pytest.mark.parametrize(
    "fields, attributes",
    [
        ("attributes=colour", [("colour", "Red")]),
        ("attributes=colour,attributes=made_of", [("colour", "Red"), ("made of", "wool")]),
        ("attributes=made*,attributes=colour", [("colour", "Red"), ("of", "wool")]),
        ("attributes=Colour,attributes=x_*", [("colour", "Red")]),
    ],
)
def test_columns_may_be_attributes_themselves(tmp_path, fields, attributes):
    content = "id,title,colour,made_of,price\n1,Robe,Red,wool,9\n"
    [product], faults = read(products, tmp_path, "a.csv", content, sources.fields(fields))
    assert (sorted(product.attributes), faults) == (attributes, [])


@pytest.mark.parametrize(
    "name, content",
    [
        ("a.csv", CSV.replace("id,title,brand,category", "ID,Title,Brand,Category")),
        ("a.jsonl", JSON.replace('"brand"', '"BRAND"').replace('"title"', '"Title"')),
    ],
)
def test_the_names_of_columns_count_whatever_their_case(tmp_path, name, content):
    assert read(products, tmp_path, name, content, {}) == ([ROBE], [])


def test_a_column_that_is_called_just_so_counts_before_one_in_another_case(tmp_path):
    [product], _ = read(products, tmp_path, "a.csv", "id,title,BRAND,brand\n1,a,B,c\n", {})
    assert product.brand == "c"


@pytest.mark.parametrize(
    "header, fields, told",
    [
        ("id,title,brand,category,attributes", "", ""),
        ("id,title,brand,category,attr_a", "attributes=attr_*", ""),
        ("id,title,maker,category,attributes", "", "maker; none is read as brand: name it, as in"
         " --fields brand=maker"),
        ("id,title,x,category,attributes", "", "x; none is read as brand: name it, as in"
         " --fields brand=COLUMN"),
        ("id,title,x,category,attr_a,brand", "attributes=attr_*", "x"),
    ],
)  # fmt: skip
def test_columns_that_are_not_read_are_named(tmp_path, header, fields, told):
    (tmp_path / "a.csv").write_text(header + "\n")
    [block] = blocks(tmp_path / "a.csv", Faults())
    block = block._replace(data=block.data + b",".join([b"1"] * (header.count(",") + 1)))
    found = sources.unread(block, sources.fields(fields))
    assert found == (told and f"a.csv: columns that are not read: {told}")


@pytest.mark.parametrize("text", ["name", "name=", "colour=x"])
def test_fields_of_another_form_are_refused_with_those_that_are_known(text):
    with pytest.raises(LexiconError, match="FIELD=COLUMN, with FIELD one of id, title"):
        sources.fields(text)


@pytest.mark.parametrize(
    "name, content, fault",
    [
        ("a.csv", "id,name\n1,Robe\n", "a.csv:2: found no field title (there are id, name)"),
        ("a.csv", "id,title\n1,Red, Robe\n", "a.csv:2: found 3 values, expected 2, as in the"),
        ("a.csv", 'id,title\n1,"Robe\n', "found unexpected end of data, expected CSV; close the q"),
        ("a.csv", "id,title,title\n1,a,b\n", "a.csv:1: found the column 'title' twice"),
        ("a.csv", "id,title\n1,a\n2,\n", "a.csv:3: found no title, expected an id and a title"),
        ("a.csv", "id,title,attributes\n1,a,red\n", "a.csv:2: found attributes 'red', expected a"),
        ("a.jsonl", JSON + "{oops\n", "a.jsonl:2: found broken JSON"),
        ("a.jsonl", "7\n", "a.jsonl:1: found a JSON int, expected one JSON object a line"),
        ("a.json", '[{"id": 1}]', "a.json:1: found a JSON array"),
        ("a.jsonl", b'{"id": 1, "title": "caf\xe9"}', "a.jsonl:1: found byte 0xe9, which is no U"),
        ("a.csv", "", "a.csv: found an empty file"),
        ("a.csv.gz", PACKED[:-9], "a.csv.gz: found Compressed file ended"),
    ],
)
def test_a_fault_of_a_catalogue_names_file_line_and_remedy(tmp_path, name, content, fault):
    _, faults = read(products, tmp_path, name, content, {})
    assert faults[0].startswith(fault) or fault in faults[0]
    assert "; " in faults[0]


@pytest.mark.parametrize(
    "columns, told",
    [
        (
            {"brand": "Mrake", "title": "NAME"},
            "found no field Mrake (there are id, name, Marke), expected a column for brand; name"
            " what there is: --fields brand=COLUMN",
        ),
        (
            {"title": "titel", "attributes": "farbe,name"},
            "found no field titel, farbe (there are id, name, Marke), expected a column for title"
            " and attributes; name what there is: --fields title=COLUMN,attributes=COLUMN",
        ),
    ],
)
def test_a_fault_of_columns_names_those_that_are_missing(tmp_path, columns, told):
    _, faults = read(products, tmp_path, "a.csv", "id,name,Marke\n1,Robe,Acme\n", columns)
    assert faults == [f"a.csv:2: {told}"]


def test_a_missing_file_is_a_fault(tmp_path):
    faults = Faults()
    assert [*products(tmp_path / "no.csv", {}, faults)] == []
    assert "no.csv: found no such file" in str(faults[0])


def test_a_file_of_faults_is_not_read_to_its_end(tmp_path):
    content = "id,title\n" + "1\n" * 1000
    _, faults = read(products, tmp_path, "a.csv", content, {})
    assert len(faults) == MOST_FAULTS


def test_taxonomies_are_plain_paths_or_stand_behind_ids(tmp_path):
    text = "# ours\n\nShoes > Running\ngid://shopify/TaxonomyCategory/ap-1    : Pets > Dog Beds\n"
    text += "3 - Toys > Puzzles\nHome >\n"
    found, faults = read(sources.paths, tmp_path, "taxonomy.txt", text)
    assert found == [("Shoes", "Running"), ("Pets", "Dog Beds"), ("Toys", "Puzzles")]
    assert "taxonomy.txt:6: found 'Home >'" in faults[0] and len(faults) == 1


@pytest.mark.parametrize("reader", [sources.paths, sources.rules, sources.terms])
@pytest.mark.parametrize("content", ['[{"name": "Shoes"}]', '{"name": 1}', "a > " * 9_000 + "b"])
def test_json_and_endless_lines_are_no_names(tmp_path, reader, content):
    found, faults = read(reader, tmp_path, "a.txt", content)
    assert not found and len(faults) == 1 and "a.txt:1: found" in faults[0]


@pytest.mark.parametrize(
    "paths, told",
    [
        ([("Shoes/Boots",), ("Shoes/Sandals",)], ["'Shoes/Boots' and 1 more"]),
        ([("Shoes", "Boots"), ("Shoes/Sandals",)], ["'Shoes/Sandals': taken for one name"]),
        ([("Shoes",), ("Hats",), ("Men/Women",)], []),
        ([("Shoes", "Boots"), ("Hats",), ("Audio/Video",)], []),
        (
            [("Shoes", "Boots"), ("Audio|Headphones",), ("Bath; Towels",), ("Bath → Mats",)],
            ["'Audio|Headphones': ", "for ; if it", "write > for → if it"],
        ),
        ([("Kitchen/Kettles",), ("Kitchen → Toasters",), ("Hats",)], ["for →", "for /"]),
    ],
)
def test_other_marks_between_levels_are_told(paths, told):
    notes = [*sources.not_parted(paths)]
    assert len(notes) == len(told) and all(a in b for a, b in zip(told, notes, strict=True))


def test_synonyms_go_one_way_or_two(tmp_path):
    text = "# rules\nTV, Television , telly\nipod, i-pod => mp3 player\na\\,b, c\nlonely\nx => \n"
    found, faults = read(sources.rules, tmp_path, "synonyms.txt", text)
    assert found == [
        Rule(("tv", "television", "telly"), (), "synonyms.txt:2"),
        Rule(("ipod", "i-pod"), ("mp3 player",), "synonyms.txt:3"),
        Rule(("a,b", "c"), (), "synonyms.txt:4"),
    ]
    assert [fault.partition(" ")[0] for fault in faults] == ["synonyms.txt:5:", "synonyms.txt:6:"]
    assert "expected a, b or a, b => c" in faults[0]


@pytest.mark.parametrize(
    "line", ['"freezer, deep freezer"', 'fridge, "freezer"', "“a”, b", '"a" => b']
)
def test_quotes_around_names_are_a_fault(tmp_path, line):
    found, [fault] = read(sources.rules, tmp_path, "s.txt", f"tv, telly\n{line}\n")
    assert len(found) == 1
    assert fault.startswith("s.txt:2: found") and "take the quotes out" in fault


def test_inches_are_no_quotes(tmp_path):
    found, faults = read(sources.rules, tmp_path, "s.txt", '55" tv, tv 55"\n')
    assert [rule.texts for rule in found] == [('55" tv', 'tv 55"')] and not faults


def test_a_query_log_has_queries_ids_and_counts(tmp_path):
    text = "query,product_id,count\nRed  Shoes,7,3\nboots,8,x\n"
    found, faults = read(sources.clicks, tmp_path, "log.csv", text)
    assert found == [Click("red shoes", "7", 3)]
    assert "log.csv:3: found query 'boots', id '8', count 'x'" in faults[0]
    assert read(sources.clicks, tmp_path, "log.jsonl", '{"q": "a", "id": 1}')[0][0].count == 1


def test_a_query_log_without_its_columns_is_one_fault(tmp_path):
    _, faults = read(sources.clicks, tmp_path, "log.csv", "text,n\na,1\nb,2\n")
    [fault] = faults
    assert "found the fields text, n" in fault and "name the columns query, id and count" in fault


def test_a_list_of_terms_is_one_a_line(tmp_path):
    found, faults = read(sources.terms, tmp_path, "terms.txt", "# ours\nAir  Fryer\n\n!!!\n")
    assert found == ["air fryer"]
    assert "terms.txt:4: found '!!!'" in faults[0]


def test_a_header_without_rows_and_a_folder_are_faults_with_a_remedy(tmp_path):
    assert "a header alone" in read(products, tmp_path, "a.csv", "id,title\n", {})[1][0]
    faults = Faults()
    assert not [*products(tmp_path, {}, faults)]
    assert f"name a file in {tmp_path}" in str(faults[0])


def test_columns_without_a_name_are_let_be(tmp_path):
    [product], faults = read(products, tmp_path, "a.csv", "id,title,,\n1,Kettle,,\n", {})
    assert (product.title, faults) == ("Kettle", [])


def test_a_comment_behind_a_rule_is_no_part_of_a_name(tmp_path):
    found, [fault] = read(
        sources.rules, tmp_path, "s.txt", "tv, telly # both\nc# book, dotnet book"
    )
    assert [rule.texts for rule in found] == [("c# book", "dotnet book")]
    assert "put the comment on a line of its own" in fault


@pytest.mark.parametrize(
    "content", [b"air fryer\n", gzip.compress(b"air fryer\n")], ids=["plain", "gz"]
)
def test_a_list_may_come_through_a_pipe(tmp_path, content):
    os.mkfifo(tmp_path / "pipe")
    writer = Thread(target=(tmp_path / "pipe").write_bytes, args=(content,))
    writer.start()
    assert [*sources.terms(tmp_path / "pipe", Faults())] == ["air fryer"]
    writer.join()
