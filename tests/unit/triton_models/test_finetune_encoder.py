"""`finetune encoder`: what is never a negative, and a run from pairs to a comparison."""

import json

import pytest

from tests.skips import skip_or_fail

try:
    import onnxscript  # noqa: F401
    import peft  # noqa: F401
    import torch
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from tests.unit.triton_models import toy
from triton_models import contract
from triton_models.__main__ import main
from triton_models.data.graded import graded
from triton_models.kinds.encoder.contrast import Contrast, Lesson, Mined, ranking_loss, vectors
from triton_models.kinds.encoder.training import search_of
from triton_models.training import networks
from triton_models.training.adapt import WAYS, Adaptation
from triton_models.training.judged import Pairs
from triton_models.training.loop import RESUME, learn
from triton_models.training.schedule import Schedule
from triton_models.training.vocabulary import bare_tokenizer

RATE = {"adalora": 3e-2, "adapters": 2e-2, "prefix": 2e-2}  # with little to learn in few steps
GIVEN = (1, 1, 0.6, 0.2, 0, 0, 0, 0)  # grades of a query's documents
KINDS = {"sofa": "seats", "lamp": "light", "oven": "kitchen", "drill": "tools", "tent": "camping"}
WORDS = [
    *("red", "blue", "green", "old", "new", "small", "big", "cheap", "fast", "round"),
    *("long", "dark", "soft", "hard", "light blue", "best", "my", "garden", "home", "used"),
]


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return toy.write(tmp_path_factory.mktemp("toy"), layers=1)


@pytest.fixture
def files(tmp_path):
    """Pairs of query and kind, and the same queries as `evaluate` and `compare` take them."""
    asked = [(f"{word} {thing}", kind) for thing, kind in KINDS.items() for word in WORDS]
    pairs, judged = tmp_path / "pairs.jsonl", tmp_path / "judged.jsonl"
    rows = [{"query": q, "document": d, "grade": 1} for q, d in asked]
    pairs.write_text("\n".join(map(json.dumps, rows)))
    judged.write_text("\n".join(json.dumps({"query": q, "relevant": [d]}) for q, d in asked))
    return pairs, judged


def finetune(*more) -> int:
    return main(["finetune", "encoder", *map(str, more), "--threads", "1"])


def made(network=None, start=None, lesson=None, pairs=None):
    """The loss and what it mines, on a toy network that begins the same every time."""
    tokenizer = bare_tokenizer(start)
    pairs = pairs or Pairs(
        [graded("a", f"{w} {t}", k, 1.0, "") for t, k in KINDS.items() for w in WORDS[:6]], []
    )
    mined = Mined(network, tokenizer, pairs, lesson)
    return Contrast(network, tokenizer, pairs, lesson, mined), mined, pairs


def test_a_batch_read_in_parts_keeps_all_its_negatives_and_its_gradient(start):
    gradients, sizes = [], []
    for parts in (1, 4):
        network = networks.load(start, "encoder").eval()
        network.register_forward_hook(lambda _, given, out: sizes[-1].append(len(given[0])))
        loss, _, pairs = made(network, start, Lesson(hard=0, parts=parts))
        sizes.append([])
        loss(list(range(len(pairs.positives)))).backward()
        gradients.append([w.grad for w in network.parameters() if w.grad is not None])
    assert max(sizes[0]) == 30 and max(sizes[1]) == 8  # never more at once
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


def test_a_part_that_is_read_again_has_the_same_dropout(start):
    network = networks.load(start, "encoder").train()
    loss, _, pairs = made(network, start, Lesson(hard=0, parts=3))
    said = []
    layer = network.bert.embeddings  # its output has dropout already
    layer.register_forward_hook(lambda _, given, out: said.append(out.detach().clone()))
    loss(list(range(12))).backward()
    first, again = said[: len(said) // 2], said[len(said) // 2 :]
    assert len(first) == len(again) == 5
    for one in first:
        assert any(torch.equal(one, other) for other in again)


def test_hard_negatives_hold_no_match_nor_anything_above_it(start):
    network = networks.load(start, "encoder").eval()
    names = [f"{word} {thing}" for word in WORDS for thing in KINDS]
    rng = torch.Generator().manual_seed(3)
    learned = [
        graded("a", names[i], names[j], grade, "")
        for i in range(12)
        for j, grade in zip(torch.randperm(100, generator=rng)[:8].tolist(), GIVEN, strict=True)
        if i != j
    ]
    lesson = Lesson(hard=5)
    _, mined, pairs = made(network, start, lesson, Pairs(learned, []))
    mined.before(1)
    told, wrong = 0, 0
    for row, pair in enumerate(pairs.positives):
        given = pairs.grades[pair.query]
        scores = vectors(network, bare_tokenizer(start), [pair.query, pair.term, *mined.of(row)])
        own, *others = (scores[1:] @ scores[0]).tolist()
        for document, score in zip(mined.of(row), others, strict=True):
            told, wrong = told + 1, wrong + (document in given)
            assert document != pair.query
            assert given.get(document, 0) == 0  # judged wrong, or not judged
            assert score < own + 1e-5 or document in given
    assert told > len(pairs.positives) * 3 and wrong


def test_case_does_not_make_a_negative_of_what_belongs(start):
    network = networks.load(start, "encoder").eval()
    given = [
        *(("Sofa", "Couch", 1.0), ("sofa", "red settee", 1.0), ("SOFA", "SOFA", 0.0)),
        *(("lamp", "couch", 1.0), ("lamp", "Red Settee", 0.0), ("Sofa", "garden hose", 0.0)),
    ]
    pairs = Pairs([graded("a", q, d, grade, "") for q, d, grade in given], [])
    loss, mined, _ = made(network, start, Lesson(hard=9), pairs)
    mined.before(1)
    for row, pair in enumerate(pairs.positives):
        if pair.query != "lamp":
            assert mined.of(row) == ["garden hose"]
    documents = ["COUCH", "Red settee", "sofa", "garden hose"]
    belongs = loss.belongs(["sofa", "Lamp"], documents).tolist()
    assert belongs == [[True, True, True, False], [True, False, False, False]]


def test_dev_queries_that_differ_by_case_are_one():
    pairs = [graded("a", "Sofa", "Couch", 1.0, ""), graded("a", "sofa", "settee", 1.0, "")]
    search = search_of(Pairs([], pairs))
    assert search.queries == ["sofa"] and search.right == [{0: 1.0, 1: 1.0}]


def test_the_hardest_come_first_and_are_renewed_every_so_many_epochs(start):
    network = networks.load(start, "encoder").eval()
    _, mined, pairs = made(network, start, Lesson(hard=2, every=2))
    mined.before(1)
    first = [mined.of(row) for row in range(len(pairs.positives))]
    found = vectors(network, bare_tokenizer(start), [pairs.positives[0].query, *mined.documents])
    scores = dict(zip(mined.documents, (found[1:] @ found[0]).tolist(), strict=True))
    below = [d for d in scores if scores[d] < scores[pairs.positives[0].term]]
    assert first[0] == sorted(below, key=lambda d: -scores[d])[:2]
    mined.found = [[] for _ in pairs.positives]
    mined.before(2)
    assert not any(mined.found)
    mined.before(3)
    assert [mined.of(row) for row in range(len(pairs.positives))] == first


def test_what_belongs_to_a_query_is_no_negative():
    scores = torch.tensor([[1.0, 5.0, 0.0], [4.0, 3.0, 0.0]])
    right = torch.tensor([0, 0])  # both queries want the first document
    belongs = torch.tensor([[True, True, False], [True, False, False]])
    found = ranking_loss(scores, right, belongs)
    forward = torch.tensor([[1.0, 0.0], [4.0, 0.0]]).softmax(1)[0, 0].log()
    second = torch.tensor([4.0, 3.0, 0.0]).softmax(0)[0].log()
    # backward: neither query is a negative for the document that both want
    torch.testing.assert_close(found, torch.stack([-forward / 2, -second / 2]))


def test_a_query_that_is_a_document_too_does_not_find_itself():
    pairs = Pairs([graded("a", "x", "b", 1.0, "")], [graded("a", "b", "c", 1.0, "")])
    search = search_of(pairs)
    assert search.queries == ["b"] and search.documents == ["c", "b"]
    found = search.figures(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.6, 0.8], [1.0, 0.0]]))
    assert found["recall@1"] == found["mrr"] == 1.0


def test_leading_parts_count_as_much_as_the_whole(start):
    network = networks.load(start, "encoder").eval()
    whole, _, pairs = made(network, start, Lesson())
    both, _, _ = made(network, start, Lesson(sizes=(4,)))
    rows = list(range(0, 30, 7))
    asked, own = ([getattr(pairs.positives[i], n) for i in rows] for n in ("query", "term"))
    found = [vectors(network, bare_tokenizer(start), texts)[:, :4] for texts in (asked, own)]
    a, b = (torch.nn.functional.normalize(part, dim=1) for part in found)
    alone = ranking_loss(a @ b.T / 0.05, torch.arange(5), torch.eye(5).bool()).mean()
    torch.testing.assert_close(both(rows), (whole(rows) + alone) / 2)


def test_what_is_kept_stays_near_the_start(start):
    moved = {}
    for keep in (0.0, 20.0):
        network = networks.load(start, "encoder").eval()
        texts = list(KINDS.values())
        before = vectors(network, bare_tokenizer(start), texts)
        loss, mined, pairs = made(network, start, Lesson(keep=keep))
        schedule = Schedule(epochs=3, batch_size=16, rate=3e-3)
        learn(network, [1] * len(pairs.positives), loss, schedule, say=lambda line: None)
        moved[keep] = float((vectors(network, bare_tokenizer(start), texts) - before).norm())
    assert moved[20.0] < 0.75 * moved[0.0]


class Interrupted(Exception):
    pass


def test_a_resumed_run_equals_an_uninterrupted_one(start, tmp_path):
    schedule = Schedule(epochs=4, batch_size=16, rate=3e-3, adversarial=0.2)
    lesson = Lesson(sizes=(8,), keep=0.1, misspelled=0.5, every=3)

    each = [graded("a", f"{w} {t}", f"{k} for {w}", 1, "") for t, k in KINDS.items() for w in WORDS]

    def train(folder=None, dies_at=None):
        network = networks.load(start, "encoder").eval()
        loss, mined, pairs = made(network, start, lesson, Pairs(each[::3], []))
        calls = iter(range(10_000))

        def loss_of(rows):
            if next(calls) == dies_at:
                raise Interrupted
            return loss(rows)

        torch.manual_seed(5)
        lengths = [len(p.query) for p in pairs.positives]
        given = {"renewed": mined, "folder": folder, "say": lambda line: None}
        return learn(network, lengths, loss_of, schedule, **given), network.state_dict()

    history, whole = train()
    with pytest.raises(Interrupted):  # in the third epoch: mined before the first, and used still
        train(tmp_path, dies_at=14)
    assert (tmp_path / RESUME).is_file()
    again, resumed = train(tmp_path)
    assert again == history
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


@pytest.mark.parametrize("how", [how for how in WAYS if how != "frozen"])
def test_every_way_trains_it(start, how):
    network = networks.load(start, "encoder").eval()
    loss, mined, pairs = made(network, start, Lesson())
    schedule = Schedule(epochs=30, batch_size=8, rate=RATE.get(how, 5e-3))
    lengths = [len(p.query) for p in pairs.positives]
    given = {"adaptation": Adaptation(how, size=4), "say": lambda line: None}
    torch.manual_seed(5)
    history = learn(network, lengths, loss, schedule, **given)
    assert history.losses[-1] < 0.95 * history.losses[0]


def test_from_pairs_to_a_comparison(start, files, tmp_path, capsys):
    pairs, judged = files
    out, model, before = tmp_path / "run", tmp_path / "model", tmp_path / "before"
    given = ("--start", start, "--out", out, "--rate", "5e-3", "--batch", 16, "--epochs", 12)
    assert finetune("--pairs", pairs, *given, "--sizes", "16,8") == 0
    notes = json.loads((out / "run.json").read_text())
    result = notes["result"]
    assert result["losses"][-1] < 0.7 * result["losses"][0]
    assert result["dev"]["recall@1"] > result["start"]["recall@1"] + 0.2
    assert result["dev"]["ndcg@10"] == pytest.approx(max(result["scores"]))
    assert set(result["sizes"]) == {"16", "8"} and result["documents"] == len(KINDS)
    assert "--sizes 16,8" in notes["command"] and notes["data"]["learned_matches"] > 70
    for checkpoint, folder in ((out, model), (start, before)):
        export = ["export", str(checkpoint), "--kind", "encoder", "--precision", "fp32"]
        assert main([*export, "--out", str(folder)]) == 0
    assert contract.load(model).dimension == 32
    card = (model / "CARD.md").read_text()
    assert notes["command"] in card and "| ndcg@10 |" in card
    capsys.readouterr()
    assert main(["evaluate", "encoder", "--model", str(model), "--dev", str(judged), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["recall@1"] > 0.6
    assert main(["compare", "encoder", str(before), str(model), "--dev", str(judged)]) == 0
    assert "model (B) ranks better" in capsys.readouterr().out


def test_wrong_usage_is_told_in_one_line(start, files, tmp_path, capsys):
    pairs, _ = files
    zero = tmp_path / "zero.csv"
    zero.write_text("query,document,grade\n" + "".join(f"q{i},d{i},0\n" for i in range(40)))
    begin = ("--pairs", pairs, "--start", start, "--out", tmp_path / "run")
    for given, told in (
        (begin[2:], "give --manifest or --pairs"),
        ((*begin, "--queries", pairs), "--queries goes with intent and tagging, not with encoder"),
        ((*begin, "--smoothing", "0.2"), "--smoothing goes with intent and matching and tagging"),
        ((*begin, "--how", "frozen"), "and encoder has none"),
        ((*begin, "--metric", "accuracy"), "of encoder there are ndcg@10, mrr"),
        ((*begin, "--sizes", "64,8"), "32 wide"),
        ((*begin, "--no-dev", "--patience", 2), "--patience"),
        ((*begin, "--dev", zero), "no pair of dev matches"),
        (("--pairs", zero, *begin[2:]), "grades from 0.5"),
        (("--pairs", tmp_path / "none.csv", *begin[2:]), "cannot be read"),
        ((*begin, "--manifest", pairs), "one of them"),
    ):
        assert finetune(*given) == 2
        error = capsys.readouterr().err
        assert told in error
        assert error.count("\n") == 1
