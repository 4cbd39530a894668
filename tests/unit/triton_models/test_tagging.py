"""Tagging: data by file and line, valid tags and honest probabilities, from training to serving."""

import itertools
import json

import numpy as np
import onnx
import pytest

from triton_models import contract
from triton_models.__main__ import main
from triton_models.data import dataset
from triton_models.evaluation import folds
from triton_models.kinds.tagging import calibration, entities
from triton_models.kinds.tagging.data import Tagged, of_manifest, read
from triton_models.kinds.tagging.decode import Decoder
from triton_models.kinds.tagging.words import NOT_READ, Span, labels_of, spans_of, tagged, words_of
from triton_models.query_text import normal_form
from triton_models.serving import precision
from triton_models.serving.dequantize import dequantize
from triton_models.serving.predict import questions
from triton_models.settings import UsageError

LABELS = labels_of(["color", "size"])


def written(path, *rows):
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return path


def test_tokens_and_spans_of_a_query_are_the_same_example(tmp_path):
    tokens = {"tokens": ["Red", "US", "10"], "tags": ["B-color", "B-size", "I-size"]}
    spans = {
        "query": " Red  US 10",
        "spans": [{"start": 6, "end": 11, "tag": "size"}, {"start": 1, "end": 4, "tag": "color"}],
    }
    one, other = (read(written(tmp_path / "a.jsonl", row))[0] for row in (tokens, spans))
    assert one == other
    assert one.text == "red us 10" and one.labels == ("B-color", "B-size", "I-size")
    assert one.spans == (Span(0, 3, "color"), Span(4, 9, "size"))


@pytest.mark.parametrize("query", ["ＲＥＤ　shoes", "İzmir red", "½ inch red", "a\u200bb red"])
def test_spans_are_moved_to_the_normal_form(tmp_path, query):
    start = max(0, query.find("red"))
    row = {"query": query, "spans": [{"start": start, "end": start + 3, "tag": "color"}]}
    (one,) = read(written(tmp_path / "a.jsonl", row))
    assert one.text == normal_form(query)
    assert [one.text[s.start : s.end] for s in one.spans] == [normal_form(query[start : start + 3])]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"tokens": ["red"], "tags": []}, "expected one for each token"),
        ({"tokens": "red", "tags": ["O"]}, "expected a list of texts"),
        ({"tokens": ["red"], "tags": ["color"]}, "'color', expected O, B-tag or I-tag"),
        ({"query": "red", "spans": [{"start": 1, "end": 3, "tag": "x"}]}, "whole words"),
        ({"query": "red", "spans": [{"start": 0, "end": 9, "tag": "x"}]}, "inside the query"),
        ({"query": "red", "spans": [{"start": 0, "end": 3, "tag": "x"}] * 2}, "overlaps another"),
        ({"query": "red"}, "spans: found None, expected a list"),
        ({"spans": []}, "query: found None, expected text"),
        ("{", "not JSON"),
    ],
)
def test_a_fault_is_named_by_file_and_line(tmp_path, row, fault):
    path = written(tmp_path / "mine.jsonl", {"tokens": ["red"], "tags": ["B-color"]}, row)
    with pytest.raises(UsageError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}:2: ") and fault in str(caught.value)


def test_a_manifest_names_tagged_queries_and_maps_their_tags(tmp_path):
    rows = [{"tokens": ["red", f"shoe{i}"], "tags": ["B-colour", "B-noise"]} for i in range(40)]
    written(tmp_path / "a.jsonl", *rows)
    lines = ["[[source]]", 'name = "a"', 'path = "a.jsonl"', 'format = "tagged"', 'licence = "own"']
    lines += ['split = "by_key"', "weight = 0.5", 'labels = { colour = "color", noise = "" }']
    (tmp_path / "manifest.toml").write_text("\n".join(lines))
    data = dataset.load(tmp_path / "manifest.toml")
    learned, dev = dataset.load_tagged(data)
    assert len(learned) + len(dev) == 40 and dev
    one = of_manifest(learned, data.manifest.weights)[0]
    assert one.labels == ("B-color", "O") and one.weight == 0.5
    written(tmp_path / "a.jsonl", *rows, {"tokens": ["red"], "tags": []})
    with pytest.raises(UsageError, match=r"a.jsonl:41: tags: found \[\], expected one for each"):
        dataset.load(tmp_path / "manifest.toml")


def test_words_are_runs_of_letters_and_digits_signs_and_characters_without_spaces():
    def words(text):
        return [text[start:end] for start, end in words_of(text)]

    assert words("sugar-free 7.5oz café") == ["sugar", "-", "free", "7", ".", "5oz", "café"]
    assert words("红色nike鞋") == ["红", "色", "nike", "鞋"]


def test_an_i_that_continues_nothing_begins_a_span():
    words = words_of("a b c d")
    found = spans_of(words, ["I-x", "I-x", "I-y", "O"])
    assert found == [Span(0, 3, "x"), Span(4, 5, "y")]
    assert tagged(words, found) == ["B-x", "I-x", "B-y", "O"]


def every(logs):
    """All valid label sequences with their probabilities, by brute force."""
    found = {}
    for path in itertools.product(range(len(LABELS)), repeat=len(logs)):
        names = ["O", *(LABELS[i] for i in path)]
        steps = itertools.pairwise(names)
        if all(b[:2] != "I-" or (a != "O" and a[2:] == b[2:]) for a, b in steps):
            found[path] = np.exp(sum(logs[i, label] for i, label in enumerate(path)))
    total = sum(found.values())
    return {tuple(LABELS[i] for i in path): p / total for path, p in found.items()}


def test_decoding_is_the_likeliest_valid_sequence_with_its_probabilities():
    rng, decoder = np.random.default_rng(0), Decoder(LABELS)
    forms = ["a b c d", "a", "", "a b", "a b c", *["a b c d"] * 6]
    words = [*map(words_of, forms)]
    given = [rng.dirichlet(np.full(len(LABELS), 0.4), size=len(of)) for of in words]
    together = decoder.find(decoder.together(given), words)
    for mine, places, found in zip(given, words, together, strict=True):
        [alone] = decoder.find(mine[None], [places])
        assert alone.spans == found.spans
        assert alone.probabilities == pytest.approx(found.probabilities)
        chances = every(np.log(mine))
        best = max(chances, key=chances.__getitem__)
        assert found.spans == spans_of(places, best)
        assert found.whole == pytest.approx(chances[best])
        for span, chance in zip(found.spans, found.probabilities, strict=True):
            exactly = sum(p for path, p in chances.items() if span in spans_of(places, path))
            assert chance == pytest.approx(exactly)


def test_the_share_of_the_sequences_that_have_certain_labels():
    rng, decoder, words = np.random.default_rng(2), Decoder(LABELS), words_of("a b c d")
    given = rng.dirichlet(np.full(len(LABELS), 0.4), size=(5, len(words)))
    allowed = np.ones((len(words), len(LABELS)), bool)
    allowed[1] = [label == "B-size" for label in LABELS]
    allowed[2] = [label != "I-size" for label in LABELS]
    shares = decoder.share(given, allowed)
    for mine, share in zip(given, shares, strict=True):
        chances = every(np.log(mine)).items()
        assert share == pytest.approx(
            sum(p for path, p in chances if path[1] == "B-size" and path[2] != "I-size")
        )
    assert decoder.share(given, np.ones_like(allowed)) == pytest.approx(1.0)


def test_words_that_the_model_has_not_read_are_outside():
    answers = np.array([[[0.1, 0.9, 0.0], [0.8, 0.2, 0.0], [0.3, 0.7, 0.0]]] * 2)
    found = Decoder(["O", "B-x", "I-x"]).words(answers, [[0, 2], [1, NOT_READ]])
    assert found[0].tolist() == [[0.1, 0.9, 0.0], [0.3, 0.7, 0.0]]
    assert found[1].tolist() == [[0.8, 0.2, 0.0], [1.0, 0.0, 0.0]]


def test_figures_are_those_of_seqeval():
    """Worked out by hand: 3 wanted, 2 found, 1 right."""
    wanted = [[Span(0, 1, "color"), Span(2, 3, "size")], [Span(0, 1, "size")]]
    found = [[Span(0, 1, "color"), Span(2, 5, "size")], []]
    table = entities.counts(wanted, found, ["color", "size"])
    figures = entities.figures(table, np.array([False, False]))
    assert figures["precision"] == 1 / 2 and figures["recall"] == pytest.approx(1 / 3)
    assert figures["micro_f1"] == pytest.approx(2 / 5)
    assert figures["macro_f1"] == pytest.approx(1 / 2)
    assert entities.by_tag(table, ["color", "size"])["size"]["count"] == 2
    confusion = entities.confusion(wanted, found, ["color", "size"])
    assert confusion.tolist() == [[1, 0, 0, 0], [0, 0, 1, 1], [0, 1, 0, 0], [0, 0, 0, 0]]


def test_calibration_is_of_folds_that_the_temperature_was_not_fitted_on():
    rng, decoder = np.random.default_rng(1), Decoder(LABELS)
    texts = [f"thing {i}" for i in range(60)]
    words = list(map(words_of, texts))
    chances = [rng.dirichlet(np.full(len(LABELS), 0.05), size=len(of)) for of in words]
    spans = [tuple(one.spans) for one in decoder.find(decoder.together(chances), words)]
    right = [mine if i % 3 else () for i, mine in enumerate(spans)]  # a third is wrong
    dev = [Tagged(text, mine, ()) for text, mine in zip(texts, right, strict=True)]
    found = calibration.at_temperatures(chances, dev, decoder)
    honest = calibration.cross_fitted(found, dev)
    assert sorted(zip(honest.rows, honest.right, strict=True)) == sorted(
        zip(found[1.0].rows, found[1.0].right, strict=True)
    )
    assert calibration.error(honest) < calibration.error(found[1.0])
    mine, _ = next(folds.parts(texts))
    others = {t: s._replace(right=s.right ^ np.isin(s.rows, mine)) for t, s in found.items()}
    again = calibration.cross_fitted(others, dev)  # the labels of one fold are turned
    own = np.isin(honest.rows, mine)
    assert own.any() and (honest.sure[own] == again.sure[np.isin(again.rows, mine)]).all()
    assert calibration.best({t: s._replace(rows=s.rows[:0]) for t, s in found.items()}, mine) == 1


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A toy that has learned colours and sizes: its data, its run and its model folder."""
    pytest.importorskip("torch", reason="`make install-training` adds it")
    from tests.unit.triton_models import toy

    return toy.tagger(tmp_path_factory.mktemp("tagging"))


def test_a_model_is_trained_exported_and_described(model):
    notes = json.loads((model / "run" / "run.json").read_text())
    result = notes["result"]
    assert result["dev"]["micro_f1"] > 0.9
    assert 0 <= result["dev"]["calibration_error"] < 1 > result["calibration_error_before"]
    card = (model / "model" / "CARD.md").read_text()
    assert "calibration error" in card
    assert notes["recipe"]["lesson"]["consistency"] == 0.5
    found = contract.load(model / "model")
    assert (found.kind, found.labels, found.dimension) == ("tagging", LABELS, 5)
    assert "micro f1" in (model / "model" / "CARD.md").read_text()


def test_predictions_are_spans_of_the_normal_form(model, tmp_path, capsys):
    asked = written(tmp_path / "asked.txt", "  RED box 10 inch", '{"query": "lamp"}')
    assert main(["predict", "tagging", str(asked), "--model", str(model / "model")]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["normalized_query"] == "red box 10 inch"
    assert [(s["start"], s["end"], s["tag"], s["text"]) for s in first["spans"]] == [
        (0, 3, "color", "red"),
        (8, 15, "size", "10 inch"),
    ]
    assert all(0.3 < s["probability"] <= 1 for s in first["spans"])
    assert second["spans"] == []


def test_without_a_model_the_tags_of_the_starter_s_intent_model_are_asked(tmp_path, capsys):
    assert main(["predict", "tagging", str(written(tmp_path / "asked.txt", "nike shoes"))]) == 0
    spans = json.loads(capsys.readouterr().out)["spans"]
    assert [span["tag"] for span in spans] == ["brand", "product"]


def test_words_beyond_the_length_have_no_tag(model, tmp_path, capsys):
    asked = written(tmp_path / "asked.txt", "red box " * 60)
    assert main(["predict", "tagging", str(asked), "--model", str(model / "model")]) == 0
    spans = json.loads(capsys.readouterr().out)["spans"]
    assert spans and max(s["end"] for s in spans) < 8 * 32


def test_a_model_is_judged_in_a_report_and_against_another(model, tmp_path, capsys, monkeypatch):
    pytest.importorskip("matplotlib", reason="`make install-training` adds it")
    from triton_models.evaluation import report_parts

    monkeypatch.setattr(report_parts, "SHAPES", ((1, 8),))
    dev, folder = str(model / "mine.jsonl"), str(model / "model")
    given = ["evaluate", "tagging", "--model", folder, "--dev", dev]
    assert main([*given, "--json", "--report", str(tmp_path / "report")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["micro_f1"] > 0.9 and found["tags"]["size"]["count"] == 48
    page = (tmp_path / "report" / "report.md").read_text()
    assert "fitted on other rows" in page.split("## Probabilities of spans")[1].split("## ")[0]
    assert "(other bounds)" not in found["tags"]
    assert "](confusion.svg)" in page and "| shoes |" in page

    rows = map(json.loads, (model / "mine.jsonl").read_text().splitlines())
    written(tmp_path / "asked.txt", *(row["query"] for row in rows))
    predicted = tmp_path / "predicted.jsonl"
    asked = ["predict", "tagging", str(tmp_path / "asked.txt"), "--model", folder]
    assert main([*asked, "--out", str(predicted)]) == 0
    assert main(["compare", "tagging", folder, str(predicted), "--dev", dev, "--json"]) == 0
    same = json.loads(capsys.readouterr().out)
    assert same["agreement"]["same"] == 1.0 and same["mcnemar"]["only_a"] == 0


def test_without_a_dev_file_the_remedy_is_told(model, capsys):
    assert main(["evaluate", "tagging", "--model", str(model / "model")]) == 2
    assert "give --dev your own" in capsys.readouterr().err


def test_triton_is_told_of_a_label_a_token(model, tmp_path):
    out = tmp_path / "repository"
    given = ["--platform", "onnxruntime", "--models", str(model), "--out", str(out)]
    assert main(["repository", *given]) == 0
    text = (out / "tagging" / "config.pbtxt").read_text()
    assert 'name: "tag_probabilities" data_type: TYPE_FP32 dims: [ -1, 5 ]' in text


def test_a_checkpoint_without_a_token_head_is_not_exported(model, tmp_path, capsys):
    given = ["export", str(model / "toy"), "--kind", "tagging", "--out", str(tmp_path / "out")]
    assert main(given) == 2
    assert "finetune tagging from it first" in capsys.readouterr().err


def test_typed_graphs_are_held_to_float32_by_token(model, tmp_path):
    found = contract.load(model / "model")
    plain = tmp_path / "fp32.onnx"
    onnx.save(dequantize(onnx.load(found.onnx)), plain)
    asked = questions(written(tmp_path / "asked.txt", "red box", "blue lamp 10 inch"), pair=False)
    others = precision.batches(found, asked)[1]
    expected = precision.each(found, str(plain), others)
    same = precision.parity(found, expected, onnx.load(plain), "fp16", others)
    assert str(same).startswith("equal labels of tokens 100.0%") and "tokens" in str(same)
    assert same.rows == sum(int(batch["attention_mask"].sum()) for batch in others)
