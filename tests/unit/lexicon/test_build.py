"""The build: one command, the same files every time, and the shipped ones are up to date."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from triton_models import contract
from worker.config.settings import STARTER_LEXICON, STARTER_MODELS
from worker.errors import LexiconError
from worker.lexicon import build
from worker.lexicon.attributes import Attributes
from worker.lexicon.lexicon import Lexicon
from worker.lexicon.source import read as read_source
from worker.lexicon.terms import pack

SOURCE = """\
[Shoes]
shoes = footwear
boots = wellies < shoes
[Hats]
hat = cap
gray hat < hat
"""


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "things.txt").write_text(SOURCE)
    return folder


def run(*arguments: object):
    return CliRunner().invoke(build.main, [str(argument) for argument in arguments])


def test_the_command_builds_beside_the_sources(source):
    result = run("--source", source)
    assert result.exit_code == 0, result.output
    assert "4 terms" in result.stdout
    lexicon = Lexicon.load(source)
    [mention] = lexicon.read("grey hats").mentions
    assert lexicon.name(mention.term_id) == "gray hat"
    assert lexicon.category(mention.term_id) == "Hats"
    assert lexicon.encoder_sha256 == contract.load(STARTER_MODELS / "encoder").onnx_sha256
    assert lexicon.version in result.stdout


def test_the_vectors_are_the_encoders(source, tmp_path):
    build.build(source, STARTER_MODELS, tmp_path / "out")
    lexicon = Lexicon.load(tmp_path / "out")
    names = [lexicon.name(term_id) for term_id in range(len(lexicon))]
    vectors = build.load_encoder(STARTER_MODELS / "encoder").run(names)
    ids, similarity = lexicon.nearest(vectors, 1)
    assert ids[:, 0].tolist() == [0, 1, 2, 3]
    assert similarity[3, 0] == pytest.approx(1, abs=0.01)  # it has but one name


def test_the_same_sources_give_the_same_files_and_others_another_version(source, tmp_path):
    first = build.build(source, STARTER_MODELS, tmp_path / "first")
    second = build.build(source, STARTER_MODELS, tmp_path / "second")
    assert first == second
    (source / "things.txt").write_text(SOURCE + "beret < hat\n")
    assert build.build(source, STARTER_MODELS, tmp_path / "first")["version"] != first["version"]


def test_a_name_stays_the_first_where_a_synonym_only_writes_it_otherwise(tmp_path):
    (tmp_path / "a.txt").write_text("[Networks]\nwi-fi router = wlan router, wi fi router\n")
    [term] = build.terms(read_source(tmp_path))
    assert [text for text, _ in term.names] == ["wi-fi router", "wlan router"]


def test_a_text_of_two_files_is_the_term_that_it_names_else_the_first_files(tmp_path):
    (tmp_path / "a.txt").write_text("[Clothing]\nsweater = jumper, top\n")
    (tmp_path / "b.txt").write_text("[Dresses]\npinafore = jumper\n[Toys]\ntop\nmat = cell\n")
    (tmp_path / "c.txt").write_text("[Power]\ncells = accumulators\n")
    build.build(tmp_path, STARTER_MODELS, tmp_path / "built")
    lexicon = Lexicon.load(tmp_path)
    found = lexicon.read("jumper top cell cells tops").mentions
    assert [lexicon.name(mention.term_id) for mention in found] == [
        "sweater",  # the first file's
        "top",  # its own name, though the first file has it as a synonym
        "mat",  # as it was written, though it is also the singular of a name
        "cells",
        "top",
    ]


def test_faults_are_reported_and_nothing_is_built(source):
    (source / "things.txt").write_text("[Shoes]\nBoots\nboots < shoes\n")
    result = run("--source", source)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[1:] == [
        "  - things.txt:2: found 'Boots', expected lower-case words; name = synonym < broader term",
        "  - things.txt:3: found < shoes, expected the name of a term; add it as a term",
    ]
    assert not (source / "built").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "things.txt"], "things.txt: cannot be written (File exists); name with --out"),
        (["--out", "things.txt/x"], "things.txt: cannot be written (File exists); name with --out"),
        (["--source", "nowhere"], "nowhere: no such folder; name with --source"),
        (["--source", "things.txt"], "things.txt: no such folder; name with --source"),
        (["--models", "nowhere"], "model.json: not found; export the model into this folder; or"),
        (["--models", "wrong"], "a model of kind intent, not encoder; name with --models"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(source, monkeypatch, arguments, message):
    monkeypatch.chdir(source)
    Path("wrong").mkdir()
    Path("wrong/encoder").symlink_to(STARTER_MODELS / "intent")
    result = run("--source", ".", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr and result.stderr.count("\n") == 1


def test_an_encoder_that_cannot_be_run(source, tmp_path):
    folder = tmp_path / "encoder"
    shutil.copytree(STARTER_MODELS / "encoder", folder)
    (folder / "model.onnx").write_bytes(b"no model")
    description = orjson.loads((folder / "model.json").read_bytes())
    description["onnx_sha256"] = contract.sha256(folder / "model.onnx")
    (folder / "model.json").write_bytes(orjson.dumps(description))
    result = run("--source", source, "--models", tmp_path)
    assert result.exit_code == 2
    assert "cannot be used" in result.stderr and "name with --models" in result.stderr
    assert not (source / "built").exists()


def test_no_encoder(source, tmp_path):
    with pytest.raises(LexiconError, match=r"model\.json: not found"):
        build.build(source, tmp_path, tmp_path / "out")
    with pytest.raises(LexiconError, match="kind intent, not encoder"):
        (tmp_path / "encoder").symlink_to(STARTER_MODELS / "intent")
        build.build(source, tmp_path, tmp_path / "out")


def test_the_shipped_lexicon_is_built_from_the_shipped_sources_and_encoder(starter):
    built = STARTER_LEXICON / "built"
    remedy = "build it again: python -m worker.lexicon.build"
    manifest = orjson.loads((built / "lexicon.json").read_bytes())
    encoder = contract.load(STARTER_MODELS / "encoder")
    assert manifest["encoder_onnx_sha256"] == encoder.onnx_sha256, remedy
    hashes = manifest["sha256"]
    keys, terms = pack(build.terms(starter), Attributes(starter.attributes).idioms)
    assert hashes["keys.marisa"] == hashlib.sha256(keys).hexdigest(), remedy
    assert hashes["terms.bin"] == hashlib.sha256(terms).hexdigest(), remedy
    tables = orjson.dumps(starter.attributes)
    assert hashes["attributes.json"] == hashlib.sha256(tables).hexdigest(), remedy


def test_the_shipped_lexicon_is_small():
    files = (STARTER_LEXICON / "built").iterdir()
    assert sum(file.stat().st_size for file in files) <= 20e6


@pytest.mark.parametrize("order", ["usearch first", "onnxruntime first"])
def test_either_may_be_imported_first(order):
    """usearch 2.26 ends the process when onnxruntime is imported after it."""
    modules = ["worker.lexicon.lexicon", "worker.inference.onnx"]
    if order == "onnxruntime first":
        modules.reverse()
    root = Path(build.__file__).parents[2]
    code = f"import {', '.join(modules)}"
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0
