"""A lexicon is replaced as a whole, and nothing else is."""

import signal

import numpy as np
import pytest

from triton_models import contract
from worker.config.settings import STARTER_MODELS
from worker.errors import LexiconError
from worker.lexicon import writing
from worker.lexicon.lexicon import Lexicon
from worker.lexicon.source import read
from worker.lexicon.terms import Term
from worker.lexicon.vectors import Vectors
from worker.lexicon.writing import Content, write

ENCODER = contract.load(STARTER_MODELS / "encoder")


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source")
    (folder / "a.txt").write_text("[A]\na\n")
    return read(folder).attributes


def content(tables, *names):
    vectors = np.random.default_rng(1).normal(size=(len(names), ENCODER.dimension))
    terms = [Term([(name, (name,))], "All", "All", None) for name in names]
    return Content(terms, tables, [], Vectors.of(vectors.astype(np.float32)), {"note.txt": b"ours"})


def names(lexicon):
    return [lexicon.name(n) for n in range(len(lexicon))]


@pytest.mark.parametrize("exchange", [True, False])
def test_a_lexicon_in_use_stays_as_it_is_while_another_takes_its_place(
    tables, tmp_path, monkeypatch, exchange
):
    if not exchange:
        monkeypatch.setattr(writing, "_exchanged", lambda one, other: False)
    write(content(tables, "shoes", "boots"), ENCODER, tmp_path / "out")
    old = Lexicon.load(tmp_path / "out")
    write(content(tables, "hats"), ENCODER, tmp_path / "out")
    assert names(old) == ["shoes", "boots"]
    assert old.nearest(old.vector(1)[None], 1)[0].tolist() == [[1]]
    assert names(Lexicon.load(tmp_path / "out")) == ["hats"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]  # nothing is left beside it


def test_a_folder_of_something_else_is_not_replaced(tables, tmp_path):
    (tmp_path / "letters.txt").write_text("mine")
    with pytest.raises(LexiconError, match=r"holds files, but no lexicon\.json.*a new folder"):
        write(content(tables, "shoes"), ENCODER, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


def test_what_fails_leaves_the_lexicon_that_was_there(tables, tmp_path, monkeypatch):
    write(content(tables, "shoes"), ENCODER, tmp_path / "out")

    def full(*_):
        raise OSError(28, "No space left on device", "terms.bin")

    monkeypatch.setattr(writing, "_put", full)
    with pytest.raises(LexiconError, match="No space left on device"):
        write(content(tables, "hats"), ENCODER, tmp_path / "out")
    assert names(Lexicon.load(tmp_path / "out")) == ["shoes"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_interrupt_in_the_midst_of_the_vectors_is_one():
    handler = signal.signal(signal.SIGVTALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.3)  # of this process's own time: amid `add`
    try:
        with pytest.raises(KeyboardInterrupt):
            Vectors.of(np.random.default_rng(1).normal(size=(50_000, 64)).astype(np.float32))
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, handler)


def test_a_folder_without_write_permission_is_refused_before_the_build(tmp_path, monkeypatch):
    monkeypatch.setattr(writing.os, "access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(LexiconError, match=r"Permission denied\); name with --out a folder that"):
        writing.demand_room(tmp_path / "out")


def test_a_link_stays_and_what_it_points_to_is_replaced(tables, tmp_path):
    link = tmp_path / "current"
    link.symlink_to("release")
    for term in ("shoes", "hats"):
        write(content(tables, term), ENCODER, link)
        assert names(Lexicon.load(tmp_path / "release")) == [term]
    assert link.is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["current", "release"]
