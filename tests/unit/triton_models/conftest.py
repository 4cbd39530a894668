"""Training in tests runs on one thread: the same numbers everywhere, and cores for the others."""

import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def write(tmp_path):
    """Writes a manifest of these sources and its files, and gives its path."""

    def written(*parts: str, **files: str) -> Path:
        for name, text in files.items():
            (tmp_path / name.replace("_", ".")).write_text(text)
        path = tmp_path / "manifest.toml"
        path.write_text("\n".join(parts))
        return path

    return written


@pytest.fixture(scope="module")
def queries(tmp_path_factory):
    """A file of labelled queries."""
    from tests.unit.triton_models.combining import TEXTS

    path = tmp_path_factory.mktemp("data") / "mine.csv"
    path.write_text("query,intent\n" + "\n".join(f"{t},{label}" for t, label in TEXTS))
    return path


@pytest.fixture(scope="module")
def log(queries):
    """A file of queries without labels."""
    path = queries.with_name("log.txt")
    path.write_text("\n".join(f"{a} {b}" for a in ("buy", "is", "nice") for b in "abcdefghij"))
    return path


@pytest.fixture(scope="module")
def runs(tmp_path_factory, queries):
    """Two runs of finetune with other seeds, on a toy of three layers."""
    from tests.unit.triton_models import toy
    from triton_models.__main__ import main

    folder = tmp_path_factory.mktemp("runs")
    start = toy.write(folder / "toy", layers=3)
    found = [folder / "a", folder / "b"]
    for seed, out in enumerate(found):
        given = ["--queries", queries, "--dev", queries.with_name("dev.csv"), "--start", start]
        queries.with_name("dev.csv").write_text("query,intent\nbuy a jar,buy\nnice jar,look\n")
        schedule = ["--epochs", 8, "--rate", "0.005", "--batch", 12, "--seed", seed]
        told = [*given, *schedule, "--threads", 1, "--dropout", 0, "--out", out]
        assert main(["finetune", "intent", *map(str, told)]) == 0
    return found
