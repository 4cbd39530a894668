"""A pipeline on models that count what they are asked."""

import asyncio
import json
import math
import random
import shutil
from collections import Counter

import numpy as np
import orjson

from triton_models.kinds.tagging.words import labels_of
from triton_models.settings import STARTER
from worker.build import make_pipeline
from worker.config.load import load_settings
from worker.config.models import MODELS
from worker.errors import ModelUnavailable
from worker.event import Input
from worker.folders import by_name, load_all_contracts
from worker.inference.port import Answer
from worker.metrics import Metrics

# The members of an enrichment of which nothing was understood.
NOTHING = {
    "schema_version": "1.1",
    "normalized_query": "",
    "language": "en",
    "correction": None,
    "intent": None,
    "sentiment": None,
    "expansions": [],
    "exclusions": [],
    "categories": [],
    "attributes": [],
    "status": "complete",
    "degraded": [],
    "provenance": {
        "worker": "1",
        "intent": None,
        "encoder": None,
        "matching": None,
        "lexicon": "1",
    },
}


def enrichment_body(form, **members):
    """The bytes of an enrichment as the worker holds them, up to the value of `cached`."""
    return orjson.dumps(NOTHING | {"normalized_query": form} | members)[1:-2] + b',"cached":'


class Counting:
    """An inference port that counts rows and answers the same to everything.

    Attributes:
        exchange_after: model → answers until version 2 takes over, which scores 0.8, not 0.9.
        canaries: models whose versions 1 and 2 take turns.
    """

    name = "counting"

    def __init__(self, contracts, away=()):
        self.contracts, self.away = contracts, set(away)
        self.rows = dict.fromkeys(contracts, 0)
        self.exchange_after = {}
        self.canaries = set()

    async def infer(self, model, inputs):
        await asyncio.sleep(0)
        if model in self.away:
            raise ModelUnavailable("away")
        rows = len(inputs["input_ids"])
        self.rows[model] += rows
        left = self.exchange_after.get(model, math.inf)
        self.exchange_after[model] = left - 1
        old = random.random() < 0.5 if model in self.canaries else left > 0
        value, version = (0.9, "1") if old else (0.8, "2")
        contract = self.contracts[model]
        shape = inputs["input_ids"].shape if contract.spec.by_token else (rows,)
        values = np.full((*shape, sum(contract.outputs.values())), value, np.float32)
        return Answer(values, version)


def build_pipeline(*assignments, away=()):
    """A pipeline of these settings, its `Counting`, and its metrics; by default without tags."""
    settings = load_settings(None, {}, ["inference.tagging=false", *assignments])
    contracts = load_all_contracts(settings)
    inference, metrics = Counting(by_name(contracts), away), Metrics()
    return make_pipeline(settings, contracts, inference, metrics), inference, metrics


def with_tagging(models):
    """Assignments of a pipeline with the starter models and, in a folder, a tagging model too."""
    for kind in MODELS:
        (models / kind).symlink_to(STARTER / kind)
    folder = shutil.copytree(STARTER / "encoder", models / "tagging")
    labels = labels_of(["brand", "content", "product"])
    about = json.loads((folder / "model.json").read_text())
    about |= {"name": "tagging", "kind": "tagging", "output": "tag_probabilities"}
    about |= {"labels": labels, "dimension": len(labels)}
    (folder / "model.json").write_text(json.dumps(about))
    return f"inference.models={models}", "inference.tagging=true"


def inputs(*queries):
    return [
        Input(json.dumps({"query": query}).encode(), f"id-{index}", 5)
        for index, query in enumerate(queries)
    ]


def events(results):
    return [json.loads(result.value) for result in results]


def totals(counter, label):
    """Value of the label → count."""
    samples = counter.collect()[0].samples
    return +Counter({s.labels[label]: int(s.value) for s in samples if s.name.endswith("_total")})


def expansions(expander, query, score=0.9, intent="browse"):
    """With every candidate scored alike, and no neighbours."""
    [found] = expander.retrieve([query], np.zeros((1, expander.lexicon.dimension), np.float32))
    scores = [score] * len(expander.texts(found))
    chosen = expander.select(found, scores, intent)
    return [item["term"] for item in chosen["expansions"]], chosen
