"""Tags beside the intent: learned from queries that lack either, served in one pass."""

import json

import numpy as np
import pytest

from tests.skips import skip_or_fail

try:
    import onnxscript  # noqa: F401
    import torch
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from tests.unit.triton_models import toy
from triton_models import contract
from triton_models.__main__ import main
from triton_models.data import dataset
from triton_models.kinds.intent import classify, examples
from triton_models.kinds.intent.examples import Example
from triton_models.kinds.intent.network import classifier
from triton_models.kinds.intent.tag_task import TagTask
from triton_models.kinds.tagging.loss import Lesson
from triton_models.kinds.tagging.words import Span, labels_of
from triton_models.serving import repository
from triton_models.serving.predictor import load
from triton_models.settings import UsageError
from triton_models.training import networks
from triton_models.training.vocabulary import bare_tokenizer

COLORS, THINGS = ("red", "blue", "green", "black"), ("shoes", "sofa", "lamp", "jacket", "phone")
LABELS = labels_of(["color", "product"])
TAGS = ["B-color", "B-product"]


def source(name, kind, more='split = "by_key"'):
    file = f"{name}.{'jsonl' if kind == 'tagged' else 'csv'}"
    about = f'name = "{name}"\npath = "{file}"\nformat = "{kind}"\nlicence = "own"\n'
    return f"[[source]]\n{about}{more}\n"


def write(folder, rows, tagged, *sources):
    """A manifest of `mine.csv` and `tags.jsonl`."""
    (folder / "mine.csv").write_text("query,intent\n" + "".join(f"{q},{i}\n" for q, i in rows))
    lines = [json.dumps({"tokens": tokens, "tags": tags}) for tokens, tags in tagged]
    (folder / "tags.jsonl").write_text("\n".join(lines))
    sources = sources or (source("mine", "queries"), source("tags", "tagged"))
    (folder / "manifest.toml").write_text('leaks = "drop"\n' + "".join(sources))
    return folder / "manifest.toml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run and its model folder; of the queries some have both labels, and some only one."""
    folder = tmp_path_factory.mktemp("tags")
    pairs = [(c, t, n) for c in COLORS for t in THINGS for n in range(2)]
    rows = [(f"{c} {t} {n}", "browse") for c, t, n in pairs if n == 0]
    rows += [(f"where is my {c} {t}", "inquiry") for c, t, n in pairs if n == 0]
    tagged = [([c, t, str(n)], [*TAGS, "O"]) for c, t, n in pairs]
    manifest = write(folder, rows, tagged)
    learning = ["--epochs", 30, "--batch", 16, "--misspelled", 0.2, "--consistency", 0.5]
    tags = ["--tag-weight", 1, "--head-rate", 0.01]
    return toy.trained(folder, "--manifest", manifest, *learning, *tags)


def test_both_are_learned_from_queries_that_lack_either(folder):
    notes = json.loads((folder / "run" / "run.json").read_text())
    assert 25 < notes["data"]["tagged"] < notes["data"]["learned"]
    assert notes["result"]["dev"]["accuracy"] > 0.8
    found = notes["result"]["tags"]
    assert found["micro_f1"] > 0.8
    assert 0 <= found["calibration_error"] < 1 > found["calibration_error_before"]
    assert notes["result"]["judged"][-1]["tags_micro_f1"] > 0.8  # told after each epoch
    assert networks.kind_of(folder / "run") == "intent"


def test_the_contract_describes_the_output_of_tokens_and_triton_serves_it(folder):
    found = contract.load(folder / "models" / "intent")
    assert (found.tags.output, found.tags.labels) == ("tag_probabilities", LABELS)
    assert found.outputs == {"probabilities": 2}
    assert found.shapes == {"probabilities": (2,), "tag_probabilities": (-1, 5)}
    text = repository.config(found, "onnxruntime", 1)
    assert 'name: "tag_probabilities" data_type: TYPE_FP32 dims: [ -1, 5 ]' in text


def test_one_folder_is_both_kinds_of_model(folder):
    path = folder / "models" / "intent"
    network = networks.load(folder / "run", "intent").eval()
    for kind, place in (("intent", 0), ("tagging", 1)):
        predictor = load(path, kind)
        assert predictor.contract.kind == kind
        (found,) = predictor.run(["red sofa"], heads=True)
        ids = torch.tensor([predictor.encode(["red sofa"])[0].ids])
        with torch.no_grad():
            own = network(ids, torch.ones_like(ids))[place][0].numpy()
        np.testing.assert_allclose(found[: len(own)], own, atol=0.1)  # int8, and padding behind
    with pytest.raises(UsageError, match="a model of kind intent, not encoder"):
        load(path, "encoder")


def test_predict_evaluate_and_compare_take_it_for_a_tagging_model(folder, tmp_path, capsys):
    model = str(folder / "models" / "intent")
    (tmp_path / "asked.txt").write_text("blue lamp\n")
    assert main(["predict", "tagging", str(tmp_path / "asked.txt"), "--model", model]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(s["text"], s["tag"]) for s in told["spans"]] == [
        ("blue", "color"),
        ("lamp", "product"),
    ]
    assert main(["predict", "intent", str(tmp_path / "asked.txt"), "--model", model]) == 0
    assert json.loads(capsys.readouterr().out)["label"] == "browse"
    dev = str(folder / "run" / "dev_tags.jsonl")
    assert main(["evaluate", "tagging", "--model", model, "--dev", dev, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["micro_f1"] > 0.8
    assert main(["compare", "tagging", model, model, "--dev", dev]) == 0
    assert "micro" in capsys.readouterr().out.lower()


def test_the_parity_of_int8_is_told_of_each_output(folder, tmp_path, capsys):
    out = str(tmp_path / "out")
    assert main(["export", str(folder / "run"), "--kind", "intent", "--out", out]) == 0
    told = capsys.readouterr().out
    assert "equal labels" in told and ", tags " in told


def test_an_int8_file_whose_tags_differ_is_refused(folder):
    from triton_models.serving.export import require_agreement

    model = contract.load(folder / "models" / "intent")
    right, tags = np.eye(2)[[0, 1] * 20], np.eye(5)[[0, 1, 2, 3] * 10]
    require_agreement(model, [right, tags], [right, tags])
    with pytest.raises(RuntimeError, match="in tags, on 0.0% only"):
        require_agreement(model, [right, tags], [right, np.roll(tags, 1, axis=1)])


def test_a_head_goes_on_where_its_labels_are_the_same(folder):
    start, names = folder / "run", networks.labels(folder / "run")
    before = networks.load(start, "intent").tags.weight
    same = classifier(start, names, tags=LABELS)
    torch.testing.assert_close(same.tags.weight, before)
    other = classifier(start, names, tags=labels_of(["brand", "product"]))
    assert other.tags.weight.shape == before.shape
    assert not torch.allclose(other.tags.weight, before)
    assert not hasattr(classifier(start, names), "tags")
    intent = networks.load(start, "intent").classifier.classifier.weight
    torch.testing.assert_close(same.classifier.classifier.weight, intent)
    turned = classifier(start, names[::-1]).classifier.classifier.weight
    assert not any(torch.allclose(row, other) for row in turned for other in intent)


def test_a_query_with_both_labels_is_one_example(tmp_path):
    rows = [("Red  shoes", "browse"), ("where is it", "inquiry")]
    tagged = [(["red", "shoes"], TAGS), (["a", "lamp"], ["O", "B-product"])]
    by = 'split = "train"'
    manifest = write(tmp_path, rows, tagged, source("mine", "queries", f"{by}\nweight = 2"))
    manifest.write_text(manifest.read_text() + source("tags", "tagged", by))
    data = dataset.load(manifest)
    learned, dev = examples.of_manifest(data, tags=True)
    assert [(e.text, e.labels, e.tags, e.weight) for e in learned] == [
        ("red shoes", ("browse",), tuple(TAGS), 2.0),
        ("where is it", ("inquiry",), (), 2.0),
        ("a lamp", (), ("O", "B-product"), 1.0),
    ]
    assert not dev and not learned[2].labelled and learned[0].spans[1] == Span(4, 9, "product")
    assert not any(e.tags for e in examples.of_manifest(data)[0])


def test_what_two_hands_say_of_a_query_is_all_learned_and_dev_has_the_first(tmp_path):
    rows = [("red shoes", "browse"), ("red shoes", "purchase"), ("blue lamp", "browse")]
    ways = [["B-color", "B-product"], ["B-product", "I-product"], ["B-color", "B-product"]]
    for side in ("train", "dev"):
        tagged = [(text.split(), tags) for text in ("red shoes", "blue lamp") for tags in ways]
        kinds = {"mine": "queries", "tags": "tagged"}
        sources = [source(name, kind, f'split = "{side}"') for name, kind in kinds.items()]
        found = examples.of_manifest(dataset.load(write(tmp_path, rows, tagged, *sources)), True)
        made = [(e.text, e.labels, e.tags) for e in found[side == "dev"]]
        assert ("red shoes", ("browse",), tuple(ways[0])) in made
        others = [
            ("red shoes", ("purchase",), tuple(ways[1])),
            ("blue lamp", ("browse",), tuple(ways[0])),
            ("blue lamp", (), tuple(ways[1])),
        ]
        if side == "train":
            assert made[1:] == others
        else:
            assert made == [
                ("red shoes", ("browse",), tuple(ways[0])),
                ("blue lamp", ("browse",), tuple(ways[0])),
            ]


@pytest.mark.parametrize("held_back", ["mine", "tags"])
def test_what_one_source_holds_back_no_other_teaches(tmp_path, held_back):
    rows, tagged = [("red shoes", "browse")], [(["red", "shoes"], TAGS)]
    sides = {name: "dev" if name == held_back else "train" for name in ("mine", "tags")}
    kinds = {"mine": "queries", "tags": "tagged"}
    made = [source(name, kinds[name], f'split = "{side}"') for name, side in sides.items()]
    learned, dev = examples.of_manifest(dataset.load(write(tmp_path, rows, tagged, *made)), True)
    assert not learned and len(dev) == 1


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        (["--restyled", "0.5"], "--restyled moves words"),
        ([], "--tag-weight: no tagged query to learn from"),
    ],
)
def test_what_does_not_go_with_tags_is_named(tmp_path, capsys, more, fault):
    rows = [(f"{c} {t}", i) for c in COLORS for t, i in zip(THINGS, "ababa", strict=True)]
    tagged = [(["red", f"sofa{n}"], TAGS) for n in range(8)]
    manifest = write(tmp_path, rows, tagged, *([] if more else [source("mine", "queries")]))
    given = ["--manifest", manifest, "--start", toy.write(tmp_path / "toy"), "--tag-weight", 1]
    given += ["--out", tmp_path / "run", *more]
    assert main(["finetune", "intent", *map(str, given)]) != 0
    assert fault in capsys.readouterr().err


def test_only_tagged_queries_count_in_the_loss_and_typos_keep_their_words(folder):
    start = folder / "toy"
    found = [
        Example("garden chairs", (), tags=("B-color", "B-product")),
        Example("buy it now", ("buy",)),
    ]
    network = toy.classifier(start, tags=LABELS)
    task = TagTask(network, bare_tokenizer(start), found, ["color", "product"], Lesson(0.0))
    loss = classify.Loss(
        network, bare_tokenizer(start), found, toy.LABELS, classify.Lesson(0.0), [task]
    )
    with torch.no_grad():
        assert loss([1]) > 0 and task.loss([1], ["buy it now"]) == 0
        loss([0])
        clean = task.loss([0], ["garden chairs"])
        network.tags.bias[:] = torch.tensor([0.0, 9.0, 0.0, 9.0, 0.0])  # the tags it has
        assert task.loss([0], ["garden chairs"]) < clean


def test_without_tags_there_is_no_further_output(tmp_path):
    start = toy.write(tmp_path / "toy")
    network = toy.classifier(start)
    ids = torch.tensor([[2, 5, 3]])
    assert isinstance(network(ids, torch.ones_like(ids)), torch.Tensor)
    networks.save(toy.classifier(start, tags=LABELS), tmp_path / "run")
    assert (tmp_path / "run" / "tags.safetensors").is_file()
    networks.save(network, tmp_path / "run")
    assert not (tmp_path / "run" / "tags.safetensors").exists()
