"""The encoder: a small BERT that learns a large one's vectors, and which texts belong together.

Two losses: distance to the teacher's vector of the same text (the student sometimes reads it
misspelled), and, for pairs such as query and title, the right partner among those of the batch.
A batch of pairs is of one source, so that the wrong partners are near ones; where a source has
few partners, as kinds of product are, all of them are candidates.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from triton_models.data import sources
from triton_models.data.lexicon_terms import read_terms
from triton_models.data.split import is_dev
from triton_models.data.typos import misspell
from triton_models.evaluation import evaluate
from triton_models.recipes import generate, wordnet, written
from triton_models.text import encode
from triton_models.training import networks, vocabulary
from triton_models.training.loop import Schedule, fit

LAYERS = (0, 2, 4)  # of the teacher, where the student begins
PIECES = 9200  # the vocabulary: what the size of the committed weights allows
SCHEDULE = Schedule(epochs=3, batch_size=64, rate=4e-4)
MISSPELLED = 0.12  # share of texts that the student reads with a typo
CONTRAST = 0.5  # weight of the second loss
SHARPNESS = 20.0  # inverse temperature of the second loss
SMOOTHING = 0.1  # of its answers
FEW = 250  # partners that a source may have for all to be candidates
LONGEST = 64  # characters

Pair = tuple[str, str]
Batch = tuple[list[Pair], list[str]]  # pairs, and the candidates for each first text


def train(data: Path, out: Path, teacher: Path, schedule: Schedule = SCHEDULE) -> dict:
    """Train and write the checkpoint `out`; returns the settings and figures to report."""
    origins, judged = corpus(data), related(data)
    texts, pairs = list(origins), [(a, b) for a, b, _ in judged]
    large = vocabulary.bare_tokenizer(teacher)
    counted = texts + 5 * lexicon_texts() + [text for pair in pairs for text in pair]
    pieces = vocabulary.choose_pieces(large, counted, PIECES)
    small = vocabulary.prune(large, pieces)
    largest = networks.load(teacher, "encoder").eval()
    targets = vectors(largest, large, texts)
    network = networks.cut(teacher, LAYERS, pieces)
    student = Student(network, small, texts, targets, judged, sources.misspellings(data))
    losses = fit(network, list(map(len, texts)), student.loss, schedule)
    networks.save(network, out)
    small.save(str(out / "tokenizer.json"))
    counts = Counter(f"{source.split()[0]} texts" for source in origins.values())
    counts.update(f"{source} pairs" for _, _, source in judged)
    return {
        "pieces": len(pieces),
        "counts": dict(sorted(counts.items())),
        "losses": losses,
        "teacher": evaluate.synonym_search(lambda t: vectors(largest, large, t).numpy()),
    }


def corpus(data: Path) -> dict[str, str]:
    """Texts to learn the vectors of, with the set each came from; none of the dev side."""
    rng = random.Random(5)
    queries = [q for q in sources.labelled(data) if not is_dev(q.query)]
    made = [(q.query, "generated") for q in generate.generate(100, 3, {})]
    made += [(q.query, "written") for q in written.queries()]
    titles = [(p["title"], "icecat") for p in sources.catalogue(data)]
    titles += [(t, "pricerunner") for t, cluster, _ in sources.offers(data) if not is_dev(cluster)]
    nouns = [word for s in wordnet.read_synsets(data).values() for word in s.members]
    texts = [(q.query, q.source) for q in rng.sample(queries, min(9_000, len(queries)))] + made
    texts += [(shortened(t), source) for t, source in rng.sample(titles, 3_000)]
    texts += [(noun, "wordnet") for noun in rng.sample(nouns, 2_000)]
    texts += [(name, "lexicon") for name in lexicon_texts()]
    texts += [(" ".join(path[-2:]), "bestbuy") for path in sources.categories(data)]
    found: dict[str, str] = {}
    for text, source in texts:
        if 1 < len(text) < LONGEST:
            found.setdefault(text.casefold(), source)
    return found


def shortened(text: str) -> str:
    """As many of the first words as fit into LONGEST characters."""
    return text[:LONGEST].rsplit(" ", 1)[0] if len(text) > LONGEST else text


def lexicon_texts() -> list[str]:
    """Every name in the starter lexicon."""
    return [name for term in read_terms() for name in term.names]


def related(data: Path) -> list[tuple[str, str, str]]:
    """(text, text, set): query and title, query and kind, two titles of a product, two synonyms."""
    pairs = 2 * [
        (query, title, "titles") for query, title, grade in written.titles() if grade == "E"
    ]
    pairs += 3 * [(query, kind.lower(), "kinds") for query, kind in written.kinds()]
    pairs += 16 * furniture(data)
    pairs += [(a, b, "wordnet") for a, b in wordnet.synonym_pairs(data)[:2500]]
    pairs += [(t.name, s, "lexicon") for t in read_terms() for s in t.synonyms]
    goals = sources.read_json(data, "webshop/goal_query_map.json")
    pairs += [(goal, query, "webshop") for goal, found in goals.items() for query in found[:1]]
    pairs += [(a, b, "shoppingbench") for a, b in sources.shopping_requests(data)]
    titles = {p["id"]: p["title"] for p in sources.catalogue(data)}
    for row in sources.read_csv(data, "chorus_icecat/ratings.csv"):
        if row["rating"] == "3" and row["docid"] in titles and not is_dev(row["query"]):
            pairs.append((row["query"], titles[row["docid"]], "icecat"))
    pairs += [(a, b, "pricerunner") for a, b in same_product(data)][:4000]
    short = [(shortened(a), shortened(b), source) for a, b, source in pairs]
    return [pair for pair in short if pair[0] != pair[1]]


def furniture(data: Path) -> list[tuple[str, str, str]]:
    """Furniture queries and the name of their product class; none of the dev side."""
    rows = sources.read_csv(data, "wands/query.csv", "\t")
    return [
        (row["query"], row["query_class"].lower(), "wands")
        for row in rows
        if row["query_class"] and not is_dev(row["query"])
    ]


def same_product(data: Path) -> list[tuple[str, str]]:
    """Two offers each of a product that several shops sell."""
    clusters: dict[str, list[str]] = {}
    for title, cluster, _ in sources.offers(data):
        if not is_dev(cluster):
            clusters.setdefault(cluster, []).append(title)
    return [(titles[0], titles[-1]) for titles in clusters.values() if len(titles) > 1]


def vectors(network: nn.Module, tokenizer: Tokenizer, texts: Sequence[str]) -> Tensor:
    """The teacher's vectors, float32 [texts, width], in the order of the texts."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    found = torch.zeros(len(texts), network.bert.config.hidden_size)
    for start in range(0, len(order), 128):
        rows = order[start : start + 128]
        with torch.inference_mode():
            found[rows] = network(*inputs(tokenizer, [texts[i] for i in rows]))
    return found


def inputs(tokenizer: Tokenizer, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """The encoder's inputs, without columns that are all padding."""
    arrays = encode(tokenizer, texts)
    longest = int(arrays["attention_mask"].sum(axis=1).max())
    ids, mask = arrays["input_ids"][:, :longest], arrays["attention_mask"][:, :longest]
    return torch.from_numpy(ids), torch.from_numpy(mask)


def pair_batches(judged: Sequence[tuple[str, str, str]], count: int) -> Iterator[Batch]:
    """Batches of `count` pairs without end, each of one source; larger sources come more often.

    The candidates are the partners in the batch, or, where a source has few, all of them.
    """
    rng = random.Random(5)
    by_source: dict[str, list[Pair]] = {}
    for left, right, source in judged:
        by_source.setdefault(source, []).append((left, right))
    partners = {source: sorted({b for _, b in p}) for source, p in by_source.items()}
    while True:
        batches = []
        for source, pairs in by_source.items():
            rng.shuffle(pairs)
            for part in (pairs[i : i + count] for i in range(0, len(pairs), count)):
                few = len(partners[source]) <= FEW
                batches.append((part, partners[source] if few else [b for _, b in part]))
        rng.shuffle(batches)
        yield from batches


class Student:
    """The student's loss on a batch of text indices, and on the next batch of pairs."""

    def __init__(
        self,
        network: nn.Module,
        tokenizer: Tokenizer,
        texts: Sequence[str],
        targets: Tensor,
        judged: Sequence[tuple[str, str, str]],
        typos: dict[str, list[str]],
    ) -> None:
        self.network, self.tokenizer = network, tokenizer
        self.texts, self.targets, self.typos = texts, targets, typos
        self.rng = random.Random(11)
        self.pairs = pair_batches(judged, SCHEDULE.batch_size // 2) if judged else None

    def loss(self, rows: list[int]) -> Tensor:
        seen = [self.read(self.texts[i]) for i in rows]
        answers = self.network(*inputs(self.tokenizer, seen))
        target = self.targets[rows]
        distance = (1.0 - (answers * target).sum(dim=1)).mean()
        relations = nn.functional.mse_loss(answers @ answers.T, target @ target.T)
        return distance + 5.0 * relations + (CONTRAST * self.contrast() if self.pairs else 0.0)

    def read(self, text: str) -> str:
        if self.rng.random() < MISSPELLED:
            return misspell(text, self.typos, self.rng)
        return text

    def contrast(self) -> Tensor:
        """How well the next pairs find each other among the candidates.

        Where several have one partner, as queries of one kind do, each of them is right.
        """
        pairs, candidates = next(self.pairs)
        queries = self.network(*inputs(self.tokenizer, [self.read(text) for text, _ in pairs]))
        found = self.network(*inputs(self.tokenizer, candidates))
        logits = SHARPNESS * queries @ found.T
        same = torch.tensor([[b == c for c in candidates] for _, b in pairs], dtype=torch.float32)
        forward = nn.functional.cross_entropy(logits, shares(same), label_smoothing=SMOOTHING)
        met = same.sum(dim=0) > 0
        backward = nn.functional.cross_entropy(logits.T[met], shares(same.T[met]))
        return (forward + backward) / 2


def shares(same: Tensor) -> Tensor:
    """Rows that sum to 1."""
    return same / same.sum(dim=1, keepdim=True)
