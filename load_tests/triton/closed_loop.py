"""Triton alone: a client that keeps a number of requests in flight, on rows that are ready."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np
import tritonclient.grpc as grpc

from load_tests.triton.serve import STARTER_MODELS
from triton_models.contract import ModelContract, load_all

WINDOW = 512  # queries whose rows are put together by length: as many as a worker may hold
SEP = 102  # token between the two texts of a pair
BATCHES, IN_FLIGHT = (16, 32, 64), (2, 4, 8)
TRIAL_S = 2.0

Request = tuple[ModelContract, list[grpc.InferInput]]


@dataclass(frozen=True)
class Rows:
    """The rows that a number of queries need.

    Attributes:
        queries: how many.
        by_model: token ids of every row, without padding, for each model's name.
    """

    queries: int
    by_model: dict[str, list[list[int]]]


@dataclass(frozen=True)
class Client:
    """How a client calls Triton.

    Attributes:
        batch: rows in a request at most.
        in_flight: requests under way.
    """

    batch: int
    in_flight: int


def best(url: str, rows: Rows) -> Client:
    """The client that is the fastest, each tried for some seconds."""
    clients = [Client(*sizes) for sizes in product(BATCHES, IN_FLIGHT)]
    return max(clients, key=lambda client: rate(url, rows, client, TRIAL_S))


def rate(url: str, rows: Rows, client: Client, seconds: float) -> float:
    """Queries a second: all rows again and again, for about so long."""
    requests = _requests(rows, client.batch)
    calls = grpc.InferenceServerClient(url)
    done, began = 0, time.monotonic()
    with ThreadPoolExecutor(client.in_flight) as pool:

        def call(request: Request) -> bool:
            if time.monotonic() - began > seconds:
                return False
            contract, inputs = request
            calls.infer(contract.name, inputs)
            return True

        while time.monotonic() - began < seconds:
            done += sum(pool.map(call, requests))
    took = time.monotonic() - began
    calls.close()
    return rows.queries * done / len(requests) / took


def _requests(rows: Rows, batch: int) -> list[Request]:
    """Requests in an order in which every stretch is a fair share of all the work."""
    found = []
    for contract in load_all(STARTER_MODELS):
        all_rows = rows.by_model[contract.name]
        step = max(1, WINDOW * len(all_rows) // rows.queries)
        for start in range(0, len(all_rows), step):
            window = sorted(all_rows[start : start + step], key=len)
            found += _batches(contract, window, batch)
    order = np.random.default_rng(0).permutation(len(found))
    return [found[i] for i in order]


def _batches(contract: ModelContract, rows: Sequence[list[int]], batch: int) -> list[Request]:
    """Rows of one length bucket together."""
    found = []
    buckets = contract.length_buckets
    for low, high in zip((0, *buckets[:-1]), buckets, strict=True):
        chosen = [row for row in rows if low < len(row) <= high]
        for start in range(0, len(chosen), batch):
            found.append((contract, _inputs(contract, chosen[start : start + batch], high)))
    return found


def _inputs(
    contract: ModelContract, rows: Sequence[list[int]], length: int
) -> list[grpc.InferInput]:
    ids = np.zeros((len(rows), length), np.int64)
    for target, row in zip(ids, rows, strict=True):
        target[: len(row)] = row
    mask = (ids > 0).astype(np.int64)
    separators = np.cumsum(ids == SEP, axis=1) - (ids == SEP)
    tensors = {
        "input_ids": ids,
        "attention_mask": mask,
        "token_type_ids": (separators > 0) * mask,
    }
    inputs = []
    for name in contract.inputs:
        item = grpc.InferInput(name, ids.shape, "INT64")
        item.set_data_from_numpy(tensors[name])
        inputs.append(item)
    return inputs
