"""A product's text: composed alike where it is learned from and where it is asked."""

import json

import pytest

from tests.skips import skip_or_fail
from triton_models.__main__ import main
from triton_models.contract import ModelFolderError, load
from triton_models.data import dataset, manifest_file, reading
from triton_models.product_text import compose, fault
from triton_models.settings import STARTER, UsageError

TEMPLATE = "{title}[ by {brand}][, {attributes.color}]"


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"title": "Arc lamp", "brand": "Lumio", "attributes": {"color": "red"}},
         "Arc lamp by Lumio, red"),
        ({"title": " Arc  lamp ", "brand": ""}, "Arc lamp"),
        ({"title": "Arc lamp", "attributes": {"color": ["red", None, "blue"]}},
         "Arc lamp, red, blue"),
        ({"title": "Arc lamp", "attributes.color": "red"}, "Arc lamp, red"),
        ({"title": 200.0, "brand": 3}, "200 by 3"),
        ({"brand": "Lumio"}, "by Lumio"),
        ({}, ""),
        ({"title": "a {brand} [x]", "brand": "b"}, "a {brand} [x] by b"),
    ],
)  # fmt: skip
def test_fields_are_put_in_and_groups_without_their_fields_go(row, text):
    assert compose(TEMPLATE, row) == text


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("", "a text such as"),
        ("title", "a field outside"),
        ("[{title}]", "a field outside"),
        ("{title}[ by ]", "a field in each pair"),
        ("{title", "its other half"),
        ("{title}[[{brand}]]", "its other half"),
        ("{two words}", "names of columns, not 'two words'"),
    ],
)
def test_a_template_that_cannot_be_read_is_told(template, told):
    assert told in fault(template)
    assert fault(TEMPLATE) == ""


def shop(folder, template=TEMPLATE):
    """A manifest of a catalogue, judged titles and a click log."""
    brands = ["Lumio", "", "Nordby"]
    products = [
        {"id": str(i), "title": f"{thing} {i}", "maker": brands[i % 3], "model": str(i // 2)}
        | ({"attributes": {"color": "red"}} if i % 2 else {})
        for i, thing in enumerate(["lamp", "desk", "chair", "tent"] * 10)
    ]
    lines = "".join(json.dumps(row) + "\n" for row in products)
    (folder / "products.jsonl").write_text(lines)
    clicks = "".join(f"query {i},{i},9,99\n" for i in range(40))
    (folder / "clicks.csv").write_text("query,item,clicks,impressions\n" + clicks)
    judged = "".join(f"query {i},Lamp {i},Lumio,{i % 2}\n" for i in range(40))
    (folder / "judged.csv").write_text("query,title,brand,grade\n" + judged)
    source = '[[source]]\nname = "{0}"\npath = "{1}"\nformat = "{2}"\nlicence = "own"\n'
    source += 'split = "by_key"\n'
    parts = [
        f'product_text = "{template}"\n' if template else "",
        source.format("products", "products.jsonl", "catalogue"),
        'columns = { brand = "maker", product = "model" }\n',
        source.format("judged", "judged.csv", "pairs"),
        source.format("clicks", "clicks.csv", "clicks") + 'catalogue = "products"\n',
    ]
    (folder / "manifest.toml").write_text("".join(parts))
    return folder / "manifest.toml"


def test_catalogue_clicks_and_judged_titles_are_composed(tmp_path):
    data = dataset.load(shop(tmp_path))
    assert [row.text for row in data.products[:4]] == [
        "lamp 0 by Lumio", "desk 1, red", "chair 2 by Nordby", "tent 3 by Lumio, red",
    ]  # fmt: skip
    assert [row.item for row in data.clicks[:2]] == ["lamp 0 by Lumio", "desk 1, red"]
    assert data.pairs[1].term == "Lamp 1 by Lumio"
    pairs = {(p.source, p.query): p.term for p in dataset.load_pairs(data).train}
    assert ("products", "lamp 0") not in pairs or pairs["products", "lamp 0"] == "desk 1, red"
    plain = dataset.load(shop(tmp_path, ""))
    assert [row.text for row in plain.products[:2]] == ["lamp 0", "desk 1"]
    assert plain.pairs[1].term == "Lamp 1"


def test_a_wrong_template_is_told_by_its_line(tmp_path):
    with pytest.raises(UsageError, match=r"manifest.toml:1: product_text: found '\{title'"):
        dataset.load(shop(tmp_path, "{title"))


def test_a_contract_with_a_wrong_template_is_refused(tmp_path):
    for file in (STARTER / "encoder").iterdir():
        if file.is_file():
            (tmp_path / file.name).symlink_to(file)
    about = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").unlink()
    (tmp_path / "model.json").write_text(json.dumps(about | {"product_text": TEMPLATE}))
    assert load(tmp_path).product_text == TEMPLATE
    assert load(STARTER / "encoder").product_text == ""
    (tmp_path / "model.json").write_text(json.dumps(about | {"product_text": "{x"}))
    with pytest.raises(ModelFolderError, match="product_text: found '{x', expected a template"):
        load(tmp_path)


@pytest.mark.parametrize("kind", ["encoder", "matching"])
def test_what_is_asked_is_composed_as_what_was_learned(kind, tmp_path, capsys):
    try:
        import onnxscript  # noqa: F401
        import torch  # noqa: F401
    except ModuleNotFoundError as missing:
        skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")
    from tests.unit.triton_models import toy

    start = toy.write(tmp_path / "toy", layers=1)
    given = ["--manifest", shop(tmp_path), "--start", start, "--epochs", 1, "--threads", 1]
    out, model = tmp_path / "run", tmp_path / "model"
    assert main(["finetune", kind, *map(str, given), "--out", str(out)]) == 0
    assert json.loads((out / "run.json").read_text())["data"]["product_text"] == TEMPLATE
    assert main(["export", str(out), "--kind", kind, "--out", str(model)]) == 0
    assert load(model).product_text == TEMPLATE
    name = "term" if kind == "matching" else "document"
    query = {"query": "reading lamp"} if kind == "matching" else {}
    product = {
        "text": "long",
        "title": "Arc lamp",
        "brand": "Lumio",
        "attributes": {"color": "red"},
    }
    rows = [query | product, query | {name: "Arc lamp by Lumio, red"}, query | {name: "Arc lamp"}]
    (tmp_path / "asked.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    capsys.readouterr()
    assert main(["predict", kind, str(tmp_path / "asked.jsonl"), "--model", str(model)]) == 0
    first, second, third = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == second and first[name] == "Arc lamp by Lumio, red"
    assert third != second


def test_a_wrong_template_is_told_with_what_is_wrong_in_it(tmp_path):
    manifest = tmp_path / "m.toml"
    manifest.write_text('product_text = "{title}[ by]"\n')
    with pytest.raises(UsageError, match="expected a template with a field in each pair"):
        manifest_file.read(manifest)


def test_a_template_whose_fields_no_row_has_is_refused(tmp_path):
    (tmp_path / "p.csv").write_text("id,title\n1,Arc lamp\n")
    source = 'name = "p"\npath = "p.csv"\nformat = "catalogue"\nlicence = "own"\nsplit = "train"\n'
    (tmp_path / "m.toml").write_text(f'product_text = "{{titel}}"\n[[source]]\n{source}')
    with pytest.raises(UsageError, match="p.csv:2: product_text: no field of '{titel}' is in"):
        reading.read(manifest_file.read(tmp_path / "m.toml"))
