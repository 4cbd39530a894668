"""CPU of the worker's own code for queries that the cache does not hold, by part.

    python -m load_tests.understanding [--queries 20000] [--concurrent 8] [--profile 25]

The whole way of an event runs in this process, without Kafka, against an inference that computes
nothing and keeps the contract: rows differ, probabilities sum to one, and the encoder's vectors are
those of lexicon terms, so that each query has neighbours.
"""

from __future__ import annotations

import asyncio
import cProfile
import functools
import gc
import importlib
import pstats
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

import click
import numpy as np
import orjson

from triton_models.contract import ModelContract
from worker.build import make_pipeline
from worker.config.load import load_settings
from worker.event import Input
from worker.folders import by_name, load_all_contracts
from worker.inference.port import Answer
from worker.lexicon.lexicon import Lexicon
from worker.metrics import Metrics

CHUNK = 256
WARM_UP = 32 * CHUNK  # by then the terms are tokenized
COLORS = ["red", "navy blue", "green", "black", "off white", "grey", "brown", "pink", "", "", ""]
ENDINGS = ["for women", "for men", "under the desk", "with lid", "cheap", "gift for dad"]
ENDINGS += ["", "", "", "size 8", "55 inch", "pack of 6", "3-6 months", "500 ml", "10 x 12 ft"]
PARTS = {
    "decode": "worker.understanding.pipeline:Pipeline._decode",
    "tokenize": "worker.understanding.tokenize:TextTokenizer._encode",
    "rows of queries": "worker.understanding.tokenize:Sequences.singles",
    "rows of pairs": "worker.understanding.tokenize:Sequences.pairs",
    "queue": "worker.understanding.batching:Batcher.add",
    "input tensors": "worker.understanding.batching:TokenBatch.inputs",
    "answers handed out": "worker.understanding.batching:TokenBatch.answered",
    "nearest": "worker.lexicon.lexicon:Lexicon.nearest",
    "correct": "worker.lexicon.lexicon:Lexicon.correct",
    "read, with attributes": "worker.lexicon.lexicon:Lexicon.read",
    "neighbours, with nearest": "worker.lexicon.lexicon:Lexicon.neighbours",
    "heads": "worker.lexicon.lexicon:Lexicon.heads",
    "candidates": "worker.lexicon.lexicon:Lexicon.candidates",
    "select": "worker.understanding.decide:Expander.select",
    "tags": "worker.understanding.tagging:Tagger.tags",
    "enrichment": "worker.understanding.enrichment:Composer.enrichment",
    "the models' stand-in": "load_tests.understanding:DoNothing.values",
}


class DoNothing:
    """An inference that answers at once from tables."""

    name = "tables"

    def __init__(self, contracts: Mapping[str, ModelContract], lexicon: Lexicon) -> None:
        rng = np.random.default_rng(7)
        rows = 4096
        vectors = np.vstack([lexicon.vector(term) for term in range(len(lexicon))])
        sizes = contracts["intent"].outputs.values()
        chances = [rng.random((rows, size), np.float32) for size in sizes]
        chances = np.hstack([part / part.sum(axis=1, keepdims=True) for part in chances])
        self.calls = self.rows = 0
        self._tables = {
            "intent": chances,
            "encoder": vectors,
            "matching": rng.random((rows, 1), np.float32),
        }
        self._tagged = "tagging" if "tagging" in contracts else "intent"  # what gives the tags
        if tagging := contracts.get("tagging", contracts["intent"].tagging):
            tags = rng.dirichlet(np.full(tagging.dimension, 0.1), rows)
            self._tables["tags"] = tags.astype(np.float32)

    async def infer(self, model: str, inputs: Mapping[str, np.ndarray]) -> Answer:
        values, tags = self.values(model, inputs["input_ids"])
        await asyncio.sleep(0)
        return Answer(values, "1", tags)

    def values(self, model: str, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """The answer, and the tags of an intent model that has them."""
        self.calls, self.rows = self.calls + 1, self.rows + len(ids)
        tags = None
        if model == self._tagged and "tags" in self._tables:
            tags = self._tables["tags"][ids % len(self._tables["tags"])]
        if model == "tagging":
            return tags, None
        table = self._tables[model]
        return table[ids.sum(axis=1) % len(table)], tags


def queries(lexicon: Lexicon) -> Iterator[str]:
    """Queries of all lengths with a term or two, different from each other."""
    rng = random.Random(7)
    seen = set()
    while True:
        terms = [lexicon.name(rng.randrange(len(lexicon))) for _ in range(rng.choice((1, 1, 2)))]
        query = " ".join([rng.choice(COLORS), *terms, rng.choice(ENDINGS)]).strip()
        if query not in seen:
            seen.add(query)
            yield query


async def understand(process: Callable, values: Sequence[bytes], concurrent: int) -> list:
    """Send all values through, `concurrent` chunks at a time; some of the results."""
    chunks = [values[start : start + CHUNK] for start in range(0, len(values), CHUNK)]
    inputs = iter([[Input(value, "0-0-0", 5) for value in chunk] for chunk in chunks])
    results = []

    async def client() -> None:
        for chunk in inputs:
            results[:CHUNK] = await process(chunk)

    await asyncio.gather(*(client() for _ in range(concurrent)))
    return results


def timed(spent: dict[str, float]) -> None:
    """Count the CPU time of each part, on whatever thread it runs."""
    for part, place in PARTS.items():
        module, _, path = place.partition(":")
        owner_name, _, name = path.partition(".")
        owner = getattr(importlib.import_module(module), owner_name)
        setattr(owner, name, _counted(getattr(owner, name), spent, part))


def _counted(function: Callable, spent: dict[str, float], part: str) -> Callable:
    @functools.wraps(function)
    def counted(*args, **kwargs):
        began = time.thread_time()
        try:
            return function(*args, **kwargs)
        finally:
            spent[part] = spent.get(part, 0.0) + time.thread_time() - began

    return counted


def run(count: int, concurrent: int, profile: int, by_part: bool) -> dict[str, float]:
    """CPU microseconds a query, by part; `total` is that of the process without the stand-in."""
    settings = load_settings(None, {}, ())
    contracts = load_all_contracts(settings)
    spent: dict[str, float] = {}
    if by_part:
        timed(spent)
    lexicon = Lexicon.load(settings.lexicon.folder)
    inference = DoNothing(by_name(contracts), lexicon)
    pipeline = make_pipeline(settings, contracts, inference, Metrics())
    values = [orjson.dumps({"query": q}) for q in islice(queries(lexicon), count + WARM_UP)]
    profiler = cProfile.Profile()

    async def work() -> float:
        await understand(pipeline.process, values[:WARM_UP], concurrent)
        spent.clear()
        inference.calls = inference.rows = 0
        gc.collect()
        gc.freeze()  # what is loaded is not looked through again and again
        began = time.process_time()
        if profile:
            profiler.enable()
        some = await understand(pipeline.process, values[WARM_UP:], concurrent)
        profiler.disable()
        total = time.process_time() - began
        found = [orjson.loads(result.value) for result in some]
        click.echo(
            f"{inference.rows / count:.1f} rows and {inference.calls / count:.3f} calls a query,"
            f" {inference.rows / inference.calls:.0f} rows a call;"
            f" {sum(len(e['expansions']) for e in found) / len(found):.1f} expansions a query"
        )
        return total

    spent["total"] = asyncio.run(work())
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(profile)
    return {part: 1e6 * seconds / count for part, seconds in spent.items()}


@click.command(help=__doc__)
@click.option("--queries", "count", default=20_000, show_default=True)
@click.option("--concurrent", default=8, show_default=True, help="Batches understood at once.")
@click.option("--profile", default=0, help="Print this many lines of a profile.")
def main(count: int, concurrent: int, profile: int) -> None:
    total = run(count, concurrent, profile, by_part=False)["total"]
    click.echo(f"{total:8.1f} µs of CPU a query in all")
    if not profile:
        for part, spent in run(count, concurrent, 0, by_part=True).items():
            click.echo(f"{spent:8.1f} {part}")


if __name__ == "__main__":
    main()
