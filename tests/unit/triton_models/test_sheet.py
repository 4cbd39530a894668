"""Sheets and the way back: what is labelled goes into the data, what does not fit is refused."""

import csv
import json

import pytest

from triton_models.__main__ import main
from triton_models.data import sheet
from triton_models.data.merge import merge
from triton_models.data.sheet import Line, identity
from triton_models.kinds.tagging import marked
from triton_models.kinds.tagging.words import Span
from triton_models.settings import UsageError


def sheet_of(path, *rows, columns=sheet.COLUMNS):
    """A sheet with rows of {column: value}."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, columns, restval="")
        table.writeheader()
        table.writerows(rows)
    return path


def labelled(text, label, given="", term="", **more):
    mine = identity(text, term)
    return {"id": mine, "text": text, "term": term, "given": given, "label": label} | more


def test_a_sheet_has_a_line_for_each_row_and_an_empty_label(tmp_path):
    lines = [Line("red, shoes", given="buy", suggested="look", confidence=0.81, source="a")]
    assert sheet.write(tmp_path / "s.csv", lines) == 1
    sheet.write(tmp_path / "p.tsv", lines, propose=True)
    (row,) = csv.DictReader((tmp_path / "s.csv").open(encoding="utf-8"))
    assert row["label"] == "" and row["text"] == "red, shoes" and row["confidence"] == "0.8100"
    (row,) = csv.DictReader((tmp_path / "p.tsv").open(encoding="utf-8"), delimiter="\t")
    assert row["label"] == "look" and row["given"] == "buy"


def test_a_sheet_is_never_written_over_another(tmp_path):
    sheet.write(tmp_path / "s.csv", [Line("a")])
    with pytest.raises(UsageError, match="may hold labels"):
        sheet.write(tmp_path / "s.csv", [Line("a")])
    with pytest.raises(UsageError, match=r"\*.csv or \*.tsv"):
        sheet.write(tmp_path / "s.xlsx", [Line("a")])


def test_a_sheet_changes_its_rows_and_no_other_byte(tmp_path):
    lines = ('buy,red shoes,"a ""b"""', 'buy,"Where is, it?",', "", "ask,how,x", "")
    before = "\r\n".join(("label,text,note", *lines))
    made = sheet_of(tmp_path / "s.csv", labelled("where is, it?", "ask", "buy"))
    argv = ["merge", "intent", made, "--into", tmp_path / "d.csv", "--out", tmp_path / "n.csv"]
    (tmp_path / "d.csv").write_text(before, newline="")
    assert main([*map(str, argv)]) == 0
    after = (tmp_path / "n.csv").read_bytes().decode()
    assert after == before.replace('buy,"Where', 'ask,"Where')


def test_a_file_without_the_columns_is_refused(tmp_path):
    data = tmp_path / "d.csv"
    data.write_text("topic,text\nbuy,red\n")
    made = sheet_of(tmp_path / "s.csv", labelled("red", "buy", "ask"))
    with pytest.raises(UsageError, match="d.csv: no column intent, labels, label or category"):
        merge("intent", made, [data], data)
    argv = ["merge", "intent", made, "--into", data, "--out", data, "--columns", "text,topic"]
    sheet_of(made, labelled("red", "ask", "buy"), labelled("so new", "buy"))
    assert main([*map(str, argv), "--new", "ask"]) == 0
    assert data.read_text() == "topic,text\nask,red\nbuy,so new\n"


def test_json_lines_keep_their_other_fields(tmp_path):
    rows = [{"query": "a b", "intent": "buy", "count": 3}, {"query": "c", "intent": "ask"}]
    data = tmp_path / "d.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    made = sheet_of(tmp_path / "s.csv", labelled("a b", "ask", "buy"), labelled("c", "-", "ask"))
    counts = merge("intent", made, [data], data)
    assert counts == {"changed": 1, "dropped": 1}
    assert data.read_text() == json.dumps(rows[0] | {"intent": "ask"}) + "\n"


def test_a_row_that_is_written_as_its_id_is_found(tmp_path):
    data = tmp_path / "d.tsv"
    data.write_text(f"query\tintent\n{identity('red shoes')}\tbuy\n")
    made = sheet_of(tmp_path / "s.csv", labelled("red shoes", "ask", "buy"))
    merge("intent", made, [data], data, ["ask"])
    assert data.read_text() == f"query\tintent\n{identity('red shoes')}\task\n"


def test_new_texts_go_into_the_first_file(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(f"intent,text\nbuy,{name}\nask,why")
    made = sheet_of(tmp_path / "s.csv", labelled("so, new", "ask"), labelled("x", ""))
    out = tmp_path / "out"
    assert merge("intent", made, [tmp_path / "a.csv", tmp_path / "b.csv"], out)["added"] == 1
    assert (out / "a.csv").read_text() == 'intent,text\nbuy,a.csv\nask,why\nask,"so, new"\n'
    assert (out / "b.csv").read_text() == "intent,text\nbuy,b.csv\nask,why"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_of_spreadsheets_stay_as_they_are_written(encoding, tmp_path):
    data, labelled = tmp_path / "mine.csv", tmp_path / "sheet.csv"
    data.write_bytes('"Query";Label\r\nred, shoes;look\r\nit;look\r\n'.encode(encoding))
    labelled.write_bytes("Text;given;label\nit;look;buy\n".encode(encoding))
    merge("intent", labelled, [data], data, new=["buy"])
    assert data.read_bytes() == ('"Query";Label\r\nred, shoes;look\r\nit;buy\r\n'.encode(encoding))


def test_given_columns_tell_what_is_between_them(tmp_path):
    data, labelled = tmp_path / "mine.csv", tmp_path / "sheet.csv"
    data.write_text("Frage;Thema, laut Team\nred, shoes;look\nit;look\n")
    labelled.write_text("text,given,label\nit,look,buy\n")
    merge("intent", labelled, [data], data, ["buy"], ["Frage", "Thema, laut Team"])
    assert data.read_text() == "Frage;Thema, laut Team\nred, shoes;look\nit;buy\n"
    data.write_text("query,intent,note,note\nit,buy,1,2\n")
    with pytest.raises(UsageError, match="the column 'note' is there twice"):  # both are written
        merge("intent", labelled, [data], data)


def test_conflicts_are_refused_together_by_line_and_nothing_is_written(tmp_path):
    data = tmp_path / "d.csv"
    data.write_text("query,intent\nred,buy\nblue,ask\n")
    made = sheet_of(
        tmp_path / "s.csv",
        labelled("red", "look", "buy"),  # 2: a label that no row has
        labelled("blue", "buy", "look"),  # 3: the data have another by now
        labelled("green", "buy", "ask"),  # 4: no such row
        labelled("blue", "buy"),  # 5: was chosen as unlabelled, and is labelled
    )
    with pytest.raises(UsageError) as caught:
        merge("intent", made, [data], tmp_path / "new.csv")
    told = str(caught.value)
    assert f"{made}:2: label 'look' is not in the data" in told
    assert f"{made}:3: {data}:3 has 'ask', and the sheet has 'look' for it" in told
    assert f"{made}:4: no row of --into is 'green'" in told
    assert not (tmp_path / "new.csv").exists()
    merge("intent", sheet_of(made, labelled("red", "look", "buy")), [data], data, ["look"])
    assert "red,look" in data.read_text()


def test_a_row_that_had_no_grade_in_the_sheet_is_told_so(tmp_path):
    data = tmp_path / "pairs.csv"
    data.write_text("query,term,grade\nsofa,couch,0\n")
    made = sheet_of(tmp_path / "s.csv", labelled("sofa", "1", term="couch"))
    with pytest.raises(UsageError, match=r"pairs.csv:2 has '0', and `given` of the sheet is empty"):
        merge("matching", made, [data], tmp_path / "new.csv")


def test_two_decisions_on_one_row_are_refused_by_both_lines(tmp_path):
    made = sheet_of(tmp_path / "s.csv", labelled("red", "a", "b"), labelled("red", "c", "b"))
    with pytest.raises(UsageError, match=r":3: 'c' here, 'a' in line 2; decide on one"):
        sheet.read(made)
    with pytest.raises(UsageError, match="no row has a label"):
        sheet.read(sheet_of(made, labelled("red", "")))
    with pytest.raises(UsageError, match="a sheet has the columns id, text"):
        sheet.read(sheet_of(made, {"text": "a"}, columns=["text"]))


def test_another_file_is_never_written_over(tmp_path):
    for name in ("d.csv", "other.csv"):
        (tmp_path / name).write_text("query,intent\nred,buy\nblue,ask\n")
    made = sheet_of(tmp_path / "s.csv", labelled("red", "ask", "buy"))
    with pytest.raises(UsageError, match="exists; give --out another"):
        merge("intent", made, [tmp_path / "d.csv"], tmp_path / "other.csv")


def test_grades_of_pairs_come_back_under_the_name_that_they_have(tmp_path):
    data = tmp_path / "d.jsonl"
    rows = [{"query": "sofa", "title": t, "match": 1} for t in ("couch", "drill")]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    made = sheet_of(tmp_path / "s.csv", labelled("sofa", "0", "1", "drill"))
    assert merge("matching", made, [data], data)["changed"] == 1
    assert [json.loads(x)["match"] for x in data.read_text().splitlines()] == [1, 0]
    made = sheet_of(tmp_path / "t.csv", labelled("sofa", "2", "0", "drill"))
    with pytest.raises(UsageError, match="a grade is a number from 0 to 1"):
        merge("matching", made, [data], data)


MANIFEST = """
[[source]]
name = "{0}"
path = "{0}"
format = "{1}"
licence = "own"
split = "by_key"
{2}
"""


def test_a_manifest_names_files_columns_and_labels(tmp_path):
    support = "topic,text\nrefund,money back\nlate,where is it\ntest,red shoes\n"
    (tmp_path / "support.csv").write_text(support)
    (tmp_path / "own.csv").write_text("query,intent\nred shoes,browse\n")
    (tmp_path / "log.txt").write_text("a query\n")
    mapped = (
        'labels = { refund = "complaint", broken = "complaint", late = "inquiry", test = "" }\n'
    )
    parts = [
        MANIFEST.format("support.csv", "queries", f'columns = {{ intent = "topic" }}\n{mapped}'),
        MANIFEST.format("own.csv", "queries", ""),
        MANIFEST.format("log.txt", "queries", 'label = "browse"'),
    ]
    manifest = tmp_path / "manifest.toml"
    manifest.write_text("".join(parts))
    rows = [labelled("money back", "inquiry", "complaint"), labelled("red shoes", "-", "browse")]
    made = sheet_of(tmp_path / "s.csv", *rows)
    assert merge("intent", made, [manifest], manifest) == {"changed": 1, "dropped": 1}
    assert (tmp_path / "support.csv").read_text() == support.replace("refund", "late")
    assert (tmp_path / "own.csv").read_text() == "query,intent\n"
    several = sheet_of(tmp_path / "t.csv", labelled("where is it", "complaint", "inquiry"))
    with pytest.raises(UsageError, match="is written as 'refund' or 'broken' in .*support.csv"):
        merge("intent", several, [manifest], tmp_path / "out", ["complaint"])
    own = sheet_of(tmp_path / "u.csv", labelled("where is it", "broken", "inquiry"))
    merge("intent", own, [manifest], tmp_path / "out")
    assert "broken,where is it" in (tmp_path / "out" / "support.csv").read_text()


def test_graded_titles_of_a_manifest_are_found_as_they_were_composed(tmp_path):
    (tmp_path / "j.csv").write_text("query,title,brand,rating\nlamp,Arc,Lumio,exact\n")
    labels = 'columns = { grade = "rating" }\nlabels = { exact = 1.0, bad = 0.0 }\n'
    manifest = tmp_path / "manifest.toml"
    text = 'product_text = "{title}[ by {brand}]"\n'
    manifest.write_text(text + MANIFEST.format("j.csv", "pairs", labels))
    made = sheet_of(tmp_path / "s.csv", labelled("lamp", "0", "1", "Arc by Lumio"))
    assert merge("matching", made, [manifest], manifest) == {"changed": 1}
    assert (tmp_path / "j.csv").read_text() == "query,title,brand,rating\nlamp,Arc,Lumio,bad\n"


def test_spans_come_back_as_they_are_marked(tmp_path):
    data = tmp_path / "d.jsonl"
    rows = [
        {"tokens": ["Red", "shoes"], "tags": ["B-product", "I-product"], "source": "x"},
        {"tokens": ["blue"], "tags": ["B-color"]},
    ]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    good = labelled("red shoes", "[red|color] [shoes|product]", "[red shoes|product]")
    merge("tagging", sheet_of(tmp_path / "s.csv", good), [data], data)
    spans = [{"start": 0, "end": 3, "tag": "color"}, {"start": 4, "end": 9, "tag": "product"}]
    changed = json.loads(data.read_text().splitlines()[0])
    assert changed == {"query": "red shoes", "spans": spans, "source": "x"}
    for label, fault in (
        ("[red|color] shoe", "its text is 'red shoe'"),
        ("[red|colour] shoes", "tag 'colour' is not in the data"),
        ("[red|color shoes", "a span that does not end"),
    ):
        bad = labelled("red shoes", label, good["label"])
        with pytest.raises(UsageError, match=fault):
            merge("tagging", sheet_of(tmp_path / "t.csv", bad), [data], data)


@pytest.mark.parametrize("text", ["red shoes", r"a [b] | c\ d", "x"])
def test_marks_are_read_as_they_are_written(text):
    spans = (Span(0, 1 if text[1:2] in ("", " ") else 3, "my tag"),)
    assert marked.read(marked.mark(text, spans)) == (text, spans)


def test_a_place_that_cannot_be_written_is_told_before_the_work(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError):
        sheet.check_new(tmp_path / "file" / "s.csv")
    sheet.check_new(tmp_path / "new" / "s.csv")
    assert (tmp_path / "new").is_dir()


def test_a_file_that_is_changed_keeps_its_rights_and_a_link_stays_one(tmp_path, capsys):
    data, link = tmp_path / "d.csv", tmp_path / "link.csv"
    data.write_text("query,intent\nred shoes,look\n")
    data.chmod(0o640)
    link.symlink_to(data)
    made = sheet_of(tmp_path / "s.csv", labelled("red shoes", "look", "look"))
    sheet_of(made, labelled("red shoes", "-", "look"))
    argv = ["merge", "intent", made, "--into", link, "--out", link]
    assert main([*map(str, argv)]) == 0
    assert link.is_symlink() and data.read_text() == "query,intent\n"
    assert data.stat().st_mode & 0o777 == 0o640
    sheet_of(made, labelled("a text in no file", "-"))
    capsys.readouterr()
    assert main([*map(str, argv)]) == 0
    assert "nothing changed" in capsys.readouterr().out


def test_a_text_that_has_two_labels_is_told_with_the_way_to_decide_on_each(tmp_path):
    data = tmp_path / "d.csv"
    data.write_text("query,intent\nred shoes,look\nred shoes,buy\nhow,ask\n")
    one, other = labelled("red shoes", "ask", "look"), labelled("red shoes", "-", "buy")
    made = sheet_of(tmp_path / "s.csv", one)
    with pytest.raises(UsageError, match="add a line with this `given` if the text is there twice"):
        merge("intent", made, [data], tmp_path / "n.csv")
    merge("intent", sheet_of(made, one, other), [data], tmp_path / "n.csv")
    assert (tmp_path / "n.csv").read_text() == "query,intent\nred shoes,ask\nhow,ask\n"
