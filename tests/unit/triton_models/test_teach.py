"""`combine distil` of every kind: on unlabelled text a student moves to its teachers' answers."""

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tests.skips import skip_or_fail

try:
    import onnxscript  # noqa: F401
    import torch
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from tests.unit.triton_models import toy
from tests.unit.triton_models.combining import combine
from triton_models import contract
from triton_models.__main__ import main
from triton_models.kinds import KINDS
from triton_models.kinds.encoder import contrast
from triton_models.kinds.encoder.network import VectorModel
from triton_models.kinds.encoder.sentence import Sentence
from triton_models.kinds.kind import Prompts
from triton_models.settings import UsageError
from triton_models.training import networks
from triton_models.training.inputs import tensors
from triton_models.training.loop import RESUME

COLORS = ("red", "blue", "green", "black", "white", "pink", "grey")
THINGS = ("sofa", "lamp", "oven", "drill", "chair", "table", "desk", "mirror")
SCHEDULE = ("--epochs", 12, "--rate", "0.005", "--batch", 12, "--threads", 1)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A toy BERT, labelled data for teachers, and text and pairs without labels."""
    folder = tmp_path_factory.mktemp("teach")
    toy.write(folder / "toy", layers=2)
    tagged = [
        {"tokens": [color, thing], "tags": ["B-color", "B-product"]}
        for color in COLORS[:4]
        for thing in THINGS[:5]
    ]
    pairs = [
        {"query": f"{color} {thing}", "term": other, "match": int(thing == other)}
        for color in COLORS[:3]
        for thing in THINGS[:4]
        for other in THINGS[:4]
    ]
    for name, rows in (("tagged", tagged), ("pairs", pairs)):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines)
    texts = [f"{color} {thing}" for color in COLORS for thing in THINGS]
    (folder / "log.txt").write_text("\n".join(texts))
    asked = [f"{color} {a}\t{b}" for color in COLORS[:3] for a in THINGS for b in THINGS[:4]]
    (folder / "pairs.txt").write_text("\n".join(asked))
    return folder


def teachers(place, kind, data, *more):
    """Two runs of other seeds."""
    found = [place / f"{kind}-{seed}" for seed in (1, 2)]
    for seed, out in enumerate(found, 1):
        if not out.exists():
            given = (*data, "--start", place / "toy", "--no-dev", "--dropout", 0, *more)
            argv = ["finetune", kind, *given, *SCHEDULE, "--seed", seed, "--out", out]
            assert main([*map(str, argv)]) == 0
    return found


def distilled(place, runs, log, out, *more):
    """What came of a student that begins as an untrained BERT of one layer."""
    fresh = toy.write(place / "fresh", layers=1)
    given = ("--teachers", *runs, "--student", fresh, "--text", place / log, "--out", out)
    assert combine("distil", *given, *SCHEDULE, "--misspelled", 0, *more) == 0
    return json.loads((out / "run.json").read_text())


def exports(kind, run, out):
    return main(["export", str(run), "--kind", kind, "--out", str(out)]) == 0


def test_a_tagger_moves_to_its_teachers(place, tmp_path):
    runs = teachers(place, "tagging", ("--queries", place / "tagged.jsonl"))
    notes = distilled(place, runs, "log.txt", tmp_path / "small")
    result = notes["result"]
    assert notes["kind"] == "tagging" and result["losses"][-1] < result["losses"][0] / 2
    assert result["start"]["agreement"] < 0.8 <= result["dev"]["agreement"]
    assert exports("tagging", tmp_path / "small", tmp_path / "model")


def test_a_matching_model_moves_to_its_teachers(place, tmp_path):
    runs = teachers(place, "matching", ("--pairs", place / "pairs.jsonl"))
    result = distilled(place, runs, "pairs.txt", tmp_path / "small")["result"]
    assert result["losses"][-1] < result["losses"][0] / 2
    assert result["start"]["agreement"] < result["dev"]["agreement"] >= 0.9
    assert json.loads((tmp_path / "small" / "training.json").read_text())["threshold"] == 0.5
    assert exports("matching", tmp_path / "small", tmp_path / "model")


def test_an_encoder_moves_to_its_teachers(place, tmp_path):
    runs = teachers(place, "encoder", ("--pairs", place / "pairs.jsonl"))
    notes = distilled(place, runs, "log.txt", tmp_path / "small")
    result = notes["result"]
    assert result["losses"][-1] < result["losses"][0] / 2
    assert result["scores"][-1] > result["scores"][0]  # the divergence of dev falls
    assert networks.kind_of(tmp_path / "small") == "encoder"


def test_documents_are_read_as_in_training_and_queries_as_they_are_asked(place, tmp_path):
    part = KINDS["encoder"].part("distilling")
    (tmp_path / "shop.csv").write_text("query,document\nRED  sofa,Sofa  by Lumio\n")
    rows = [{"title": "Arc Lamp", "description": "Bright"}, {"query": "a lamp"}]
    (tmp_path / "shop.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "log.txt").write_text("Desk\nchair\tA Chair\n")
    files = [tmp_path / name for name in ("shop.csv", "shop.jsonl", "log.txt")]
    found = list(part.read(files))
    queries = [query for query, _ in found if query]
    assert queries == ["RED sofa", "a lamp", "Desk", "chair"]
    documents = [document for _, document in found if document]
    assert documents == ["Sofa by Lumio", "Arc Lamp", "Bright", "A Chair"]
    told = Sentence(prompts=Prompts("query: ", "passage: "))
    network = VectorModel(networks.load(place / "toy", "encoder").bert, told)
    read = part.as_read(network, found[:2])
    assert read == ["query: red sofa", "passage: Sofa by Lumio"]
    tokenizer = networks.tokenizer_of(place / "toy")
    torch.testing.assert_close(
        part.says(network, tokenizer, found[:2]), contrast.vectors(network, tokenizer, read)
    )
    recipe = SimpleNamespace(misspelled=0, language="en", confusions=())
    loss = part.Loss(network, tokenizer, found[:2], torch.eye(2), recipe)
    seen = []
    network.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    loss([1, 0])
    ids = [tokenizer.encode(text).ids for text in reversed(read)]
    assert [row[row > 0].tolist() for row in seen[0]] == ids


def test_a_file_without_text_is_named(tmp_path):
    (tmp_path / "odd.csv").write_text("name\nsofa\n")
    with pytest.raises(UsageError, match="odd.csv: no text in it"):
        list(KINDS["encoder"].part("distilling").read([tmp_path / "odd.csv"]))


def tagging_teachers(place):
    """Two runs of intent with the tags of colours and things, of other seeds."""
    rows = [
        f"{start} {thing},{i}"
        for start, i in (("buy", "purchase"), ("see", "browse"))
        for thing in THINGS
    ]
    (place / "both.csv").write_text("query,intent\n" + "\n".join(rows))
    sources = (("both", "both.csv", "queries"), ("tags", "tagged.jsonl", "tagged"))
    tables = [
        f'[[source]]\nname = "{name}"\npath = "{path}"\nformat = "{form}"\nlicence = "own"\n'
        'split = "train"\n'
        for name, path, form in sources
    ]
    (place / "both.toml").write_text("".join(tables))
    found = [place / f"both-{seed}" for seed in (1, 2)]
    for seed, out in enumerate(found, 1):
        given = ("--manifest", place / "both.toml", "--start", place / "toy", "--dropout", 0)
        more = ("--tag-weight", 1, "--head-rate", "0.01", "--seed", seed, "--out", out)
        argv = ["finetune", "intent", *given, *more, *SCHEDULE]
        assert main([*map(str, argv)]) == 0
    return found


def test_tags_move_to_those_of_all_teachers(place, tmp_path, capsys):
    runs = tagging_teachers(place)
    (place / "things.txt").write_text(
        "\n".join(
            f"{start} {color} {t}" for start in ("buy", "see") for color in COLORS for t in THINGS
        )
    )
    notes = distilled(place, runs, "things.txt", tmp_path / "small", "--misspelled", 0.2)
    start, dev = notes["result"]["start"], notes["result"]["dev"]
    assert start["tags_agreement"] < 0.5 and dev["tags_agreement"] > 0.8
    assert dev["agreement"] > 0.75
    assert exports("intent", tmp_path / "small", tmp_path / "model")
    assert contract.load(tmp_path / "model").tags.labels[0] == "O"
    network = networks.load(runs[0], "intent")
    del network.tags
    network.classifier.config.tags = []
    networks.save(network, tmp_path / "plain")
    shutil.copy(runs[0] / "tokenizer.json", tmp_path / "plain")
    capsys.readouterr()
    student = (
        KINDS["intent"].part("distilling").student(place / "fresh", [runs[1], tmp_path / "plain"])
    )
    assert not hasattr(student, "tags")
    assert "tags are not learned: not all teachers have the same" in capsys.readouterr().out


def test_a_reading_with_other_words_does_not_count_in_the_tags(place):
    part = KINDS["intent"].part("distilling")
    network = toy.classifier(place / "toy", tags=("O", "B-x", "I-x"))
    tokenizer = networks.tokenizer_of(place / "toy")
    clean, typed = ["garden chairs", "buy it now"], ["a b c", "buyit now"]
    wanted = part.says(network, tokenizer, [toy.Example(text, ()) for text in clean])
    changed = replace(wanted, tags=[one.roll(1, dims=1) for one in wanted.tags])

    def loss(tags, texts):
        task = part.Tags(network, tokenizer, tags, 2.0)
        network.logits(*tensors(tokenizer, texts, torch.device("cpu")))
        return task.loss([0, 1], texts).item()

    assert loss(wanted.tags, clean) == pytest.approx(0, abs=1e-5)
    assert loss(changed.tags, clean) > 0 == loss(changed.tags, typed)
    assert part.distance(wanted, wanted) == pytest.approx(0, abs=1e-5)
    assert part.distance(wanted, changed) > 0.01


def test_a_second_head_moves_to_its_teachers(place, tmp_path):
    moods = {"love": "positive", "hate": "negative", "see": "neutral"}
    rows = [
        f"{mood} {thing},{'browse' if i % 2 else 'complaint'},{feeling}"
        for mood, feeling in moods.items()
        for i, thing in enumerate(THINGS)
    ]
    (place / "mine.csv").write_text("query,intent,sentiment\n" + "\n".join(rows))
    (place / "moods.txt").write_text(
        "\n".join(f"{mood} {color} {t}" for mood in moods for color in COLORS for t in THINGS)
    )
    runs = teachers(place, "intent", ("--queries", place / "mine.csv"), "--pooling", "mean")
    notes = distilled(place, runs, "moods.txt", tmp_path / "small")
    dev = notes["result"]["dev"]
    assert dev["agreement"] > 0.75 and dev["sentiment_agreement"] > 0.9
    network = networks.load(tmp_path / "small", "intent")
    assert network.head.out_features == 3


def test_the_mean_cosine_of_teachers_is_that_of_their_vectors_side_by_side():
    part = KINDS["encoder"].part("distilling")
    said = [torch.nn.functional.normalize(torch.randn(5, n), dim=1) for n in (8, 24)]
    found = part.pooled(said)
    mean = sum(x @ x.T for x in said) / 2
    torch.testing.assert_close(found @ found.T, mean)


def test_the_mean_of_teachers_is_that_of_their_probabilities():
    part = KINDS["matching"].part("distilling")
    said = [torch.tensor([2.0, -1.0]), torch.tensor([0.0, 3.0])]
    mean = sum(x.sigmoid() for x in said) / 2
    torch.testing.assert_close(part.pooled(said).sigmoid(), mean)
    tagging = KINDS["tagging"].part("distilling")
    logs = [[torch.randn(3, 4).log_softmax(dim=1)] for _ in range(2)]
    (found,) = tagging.pooled(logs)
    torch.testing.assert_close(found.exp(), (logs[0][0].exp() + logs[1][0].exp()) / 2)


@pytest.mark.parametrize("kind", ["matching", "tagging", "encoder"])
def test_a_student_that_says_the_same_is_no_way_off(kind):
    part = KINDS[kind].part("distilling")
    torch.manual_seed(0)
    made = {
        "matching": torch.randn(6),
        "tagging": [torch.randn(2, 4).log_softmax(dim=1) for _ in range(3)],
        "encoder": torch.nn.functional.normalize(torch.randn(6, 8), dim=1),
    }[kind]
    assert part.figures(made, made, []) == {"agreement": 1.0}
    assert part.distance(made, made) == pytest.approx(0, abs=1e-6)


def test_a_cut_off_distillation_goes_on(place, tmp_path, monkeypatch):
    runs = teachers(place, "tagging", ("--queries", place / "tagged.jsonl"))
    given = ("--teachers", *runs, "--layers", "0", "--text", place / "log.txt", "--epochs", 2)
    given = (*given, "--threads", 1, "--out", tmp_path / "cut")

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(networks, "save", stopped_after(2, networks.save, stopped))
    assert combine("distil", *given) == 130
    assert (tmp_path / "cut" / RESUME).exists()
    monkeypatch.undo()
    assert combine("distil", *given) == 0
    config = json.loads((tmp_path / "cut" / "config.json").read_text())
    assert config["num_hidden_layers"] == 1


def stopped_after(calls, real, stop):
    """`real` for some calls, which prune makes too, then `stop`."""
    made = []

    def save(*given):
        made.append(1)
        return real(*given) if len(made) < calls else stop()

    return save


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--queries", "a.csv"), "--queries, --columns and --dev go with intent; give --text"),
        (("--text", "one.txt"), "1 texts are too few to part"),
    ],
)
def test_what_does_not_go_together_is_refused(place, tmp_path, more, told, capsys, monkeypatch):
    runs = teachers(place, "tagging", ("--queries", place / "tagged.jsonl"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.txt").write_text("red sofa\n")
    assert combine("distil", "--teachers", *runs, *more, "--out", tmp_path / "out") == 2
    assert told in capsys.readouterr().err
    others = teachers(place, "matching", ("--pairs", place / "pairs.jsonl"))
    given = ("--teachers", runs[0], others[0], "--text", place / "log.txt")
    assert combine("distil", *given, "--out", tmp_path / "out") == 2
    assert "a run of matching" in capsys.readouterr().err


def test_a_pair_without_a_tab_is_named_by_its_line(tmp_path):
    (tmp_path / "p.txt").write_text("sofa\tcouch\nsofa\n")
    part = KINDS["matching"].part("distilling")
    args = SimpleNamespace(text=[tmp_path / "p.txt"], queries=[], dev=None, columns=())
    with pytest.raises(UsageError, match=r"p.txt:2: no query and term"):
        part.gather(args, [])
    (tmp_path / "p.csv").write_text("query,title\n" + "".join(f"q{i},t\n" for i in range(40)))
    args.text = [tmp_path / "p.csv"]
    found = part.gather(args, [])
    assert len(found.learned) + len(found.dev) == 40 and found.dev
    assert np.array_equal(sorted({t for _, t in found.learned}), ["t"])
