"""Imports go one way; only build.py, app.py and the commands name concrete parts."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import triton_models
import worker
from triton_models.kinds import KINDS
from triton_models.labelling import options as label_options

ROOT = Path(worker.__file__).parent
# Each room and what it may import of the package, besides itself.
BASE = {"config", "errors", "event", "input_checks", "logs", "metrics", "redact", "tasks"} | {
    "tls_diagnosis"
}
ALLOWED = {
    "redact": set(),
    "tasks": set(),
    "tls_diagnosis": set(),
    "errors": set(),
    "config": {"errors", "logs", "metrics", "redact", "tasks"},
    "metrics": set(),
    "input_checks": set(),
    "event": {"errors", "input_checks"},
    "logs": {"config", "redact"},
    "inference": BASE,
    "lexicon": BASE,
    "server": BASE,
    "understanding": BASE | {"inference", "lexicon"},
    "stream": BASE | {"understanding"},
    "folders": BASE | {"lexicon", "understanding"},
    "build": BASE | {"folders", "inference", "lexicon", "understanding"},
    "app": BASE | {"build", "stream", "server"},
    "embedded": BASE | {"inference"},
    "commands": BASE
    | {"app", "build", "embedded", "folders", "inference", "lexicon", "server", "stream"}
    | {"understanding"},
    "__main__": {"commands"},
    "__init__": set(),
}
MODELS = Path(triton_models.__file__).parent
LEAVES = {
    "settings",
    "contract",
    "text",
    "query_text",
    "product_text",
    "kinds",
}  # of kinds, what it says of itself
ROOMS = {
    "settings": set(),
    "contract": {"settings", "kinds", "product_text"},
    "product_text": set(),
    "text": {"settings"},
    "query_text": set(),
    "__init__": set(),
    "data": LEAVES,
    "serving": LEAVES | {"data", "training"},
    "evaluation": LEAVES | {"data", "serving"},
    "training": LEAVES | {"data", "evaluation"},
    "kinds": LEAVES | {"data", "serving", "evaluation", "training"},
    "explanation": LEAVES | {"data", "serving", "training"},
    "combination": LEAVES | {"data", "serving", "training", "evaluation"},
    "search": LEAVES | {"data", "evaluation", "training", "combination"},
    "labelling": LEAVES | {"data", "serving", "training", "evaluation"},
    "options": LEAVES | {"data"},
    "__main__": LEAVES
    | {"options", "labelling", "search"}
    | {"data", "training", "evaluation", "serving", "explanation", "combination"},
}


def imports(file: Path, package: str = "worker") -> set[str]:
    """Rooms of the package that a file imports; the package itself is the version."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == package:
            found |= {alias.name for alias in node.names if not alias.name.startswith("__")}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{package}."):
            found.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith(f"{package}.")}
    return found


@pytest.mark.parametrize(("root", "allowed"), [(ROOT, ALLOWED), (MODELS, ROOMS)])
def test_imports_go_one_way(root, allowed):
    wrong = []
    for file in root.rglob("*.py"):
        room = file.relative_to(root).parts[0].removesuffix(".py")
        for target in imports(file, root.name) - allowed[room] - {room}:
            wrong.append(f"{file.relative_to(root)} imports {target}")
    assert not wrong


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_kind_says_of_itself_needs_nothing_else(kind):
    for file in (MODELS / "kinds" / "__init__.py", MODELS / "kinds" / kind / "__init__.py"):
        assert imports(file, "triton_models") <= {"kinds"}, file


def test_commands_find_the_parts_of_a_kind_by_the_registry():
    """But for what is of words and of sentences, whatever the kind of model."""
    known = {
        "data/reading.py": {"tagging.words"},
        "training/masking.py": {"encoder", "encoder.sentence"},
    }
    for file in MODELS.rglob("*.py"):
        place = file.relative_to(MODELS)
        if place.parts[0] != "kinds":
            kinds = "|".join(KINDS)
            names = re.findall(rf"triton_models\.kinds\.((?:{kinds})\b[.\w]*)", file.read_text())
            assert set(names) <= known.get(place.as_posix(), set()), place


@pytest.mark.parametrize("kind", KINDS)
def test_torch_is_imported_by_the_training_side_alone(kind):
    parts = ["options", "answers", "summary", "report", "compare"]
    parts += ["labels"] if kind in label_options.KINDS else []
    code = (
        "import sys, triton_models.__main__ as m, triton_models.kinds as k;"
        f"[k.KINDS[{kind!r}].part(n) for n in {parts}]; assert 'torch' not in sys.modules;"
        "assert 'sklearn' not in sys.modules and 'cleanlab' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT.parent)


def modules(file: Path) -> set[str]:
    """Modules of the worker that a file imports, with their dots."""
    nodes = ast.walk(ast.parse(file.read_text()))
    return {
        node.module
        for node in nodes
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("worker.")
    }


def test_of_the_stream_only_what_carries_results_knows_understanding():
    """And of it only the pipeline with its results, and the fast lane."""
    known = {"worker.understanding.pipeline", "worker.understanding.fast_lane"}
    for file in (ROOT / "stream").rglob("*.py"):
        found = {name for name in modules(file) if name.startswith("worker.understanding")}
        carries = file.name in ("runner.py", "lanes.py", "batch.py", "counts.py")
        assert found <= (known if carries else set()), file


def test_understanding_does_not_know_the_stream():
    for file in (ROOT / "understanding").rglob("*.py"):
        assert not {name for name in modules(file) if name.startswith("worker.stream")}, file
        assert "stream" not in imports(file), file


CONCRETE = {
    "worker.stream.runner",
    "worker.stream.kafka_thread",
    "worker.inference.triton",
    "worker.inference.onnx",
    "worker.inference.access",
    "worker.server.http",
    "worker.embedded.kafka",
    "worker.embedded.triton",
}


def test_only_build_app_and_commands_name_concrete_parts():
    """Others get them given. A part may be made of parts of its own room."""
    for file in ROOT.rglob("*.py"):
        room = file.relative_to(ROOT).parts[0].removesuffix(".py")
        others = {name for name in modules(file) if name.split(".")[1] != room}
        if room not in ("build", "app", "commands"):
            assert not others & CONCRETE, file


def test_the_concrete_parts_exist():
    assert [name for name in CONCRETE if not _file(name).exists()] == []


def _file(name: str) -> Path:
    return ROOT.joinpath(*name.split(".")[1:]).with_suffix(".py")


def test_the_worker_runs_without_training_packages():
    for file in ROOT.rglob("*.py"):
        names = {
            alias.name.split(".")[0]
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        assert not names & {"torch", "transformers", "sklearn"}, file
