"""What the intent model has to beat: a linear head on frozen MiniLM, the sets' obvious labels."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from triton_models.data import sources
from triton_models.data.split import Labelled, is_dev
from triton_models.evaluation import evaluate
from triton_models.evaluation.dev import labelled_queries
from triton_models.recipes.encoder import vectors
from triton_models.settings import DEV_SETS, LABELS
from triton_models.training import networks
from triton_models.training.vocabulary import bare_tokenizer

MOST = 1500  # queries of one source and label
BITEXT = {
    "place_order": "purchase",
    "change_order": "purchase",
    "cancel_order": "complaint",
    "complaint": "complaint",
    "get_refund": "complaint",
    "track_refund": "complaint",
    "payment_issue": "complaint",
}
ASKING = ("check_", "get_", "contact_", "delivery_", "track_")


def obvious(data: Path) -> list[Labelled]:
    """Every set with the label that its name suggests, nothing corrected, nothing generated."""
    found = []
    for row in sources.read_csv(data, "bitext/utterances.csv"):
        asks = "inquiry" if row["intent"].startswith(ASKING) else "other"
        found.append(Labelled(row["utterance"], BITEXT.get(row["intent"], asks), "bitext"))
    for row in sources.read_csv(data, "banking77/train.csv"):
        found.append(Labelled(row["text"], "other", "banking77"))
    for part in sources.read_json(data, "clinc150/data.json").values():
        found += [Labelled(text, "other", "clinc150") for text, _ in part]
    for name, delimiter in sources.QA_FILES:
        rows = sources.read_csv(data, f"product_qa/{name}", delimiter)
        found += [Labelled(row["question"], "inquiry", "product_qa") for row in rows]
    goals = sources.read_json(data, "webshop/human_goals.json")
    found += [Labelled(text, "browse", "webshop goals") for text in goals]
    found += list(sources.keywords(data)) + list(sources.products(data))
    random.Random(3).shuffle(found)
    return list({q.query: q for q in found if not is_dev(q.query)}.values())


def report(data: Path, teacher: Path, dev: Path = DEV_SETS / "dev_intent.jsonl") -> evaluate.Report:
    """Train the baseline and judge it on the dev set."""
    from triton_models.recipes.intent import capped

    learned = capped(obvious(data), MOST)
    tokenizer, network = bare_tokenizer(teacher), networks.load(teacher, "encoder").eval()
    rows = labelled_queries(dev, LABELS)
    texts = [q.query[:200] for q in learned] + [r["query"] for r in rows]
    features = np.asarray(vectors(network, tokenizer, texts))
    head = LogisticRegression(max_iter=1000, C=10.0)
    head.fit(features[: len(learned)], [q.intent for q in learned])
    answers = head.predict_proba(features[len(learned) :])
    columns = [list(head.classes_).index(label) for label in LABELS]
    return evaluate.intent_report(rows, answers[:, columns], LABELS)
