"""Imports go one way; only build.py, app.py and the commands name concrete parts."""

import ast
from pathlib import Path

import pytest

import triton_models
import worker

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
    "build": BASE | {"inference", "lexicon", "understanding"},
    "app": BASE | {"build", "stream", "server"},
    "embedded": BASE | {"inference"},
    "commands": BASE
    | {"app", "build", "embedded", "server", "inference", "lexicon", "stream", "understanding"},
    "__main__": {"commands"},
    "__init__": set(),
}
MODELS = Path(triton_models.__file__).parent
LEAVES = {"settings", "contract", "text"}
ROOMS = {
    "settings": set(),
    "contract": {"settings"},
    "text": {"settings"},
    "__init__": set(),
    "data": LEAVES,
    "serving": LEAVES | {"data", "training"},
    "evaluation": LEAVES | {"data", "serving"},
    "training": LEAVES | {"data", "evaluation"},
    "recipes": LEAVES | {"data", "training", "evaluation", "serving"},
    "explanation": LEAVES | {"data", "serving", "training"},
    "combination": LEAVES | {"data", "serving", "training", "evaluation"},
    "options": LEAVES,
    "__main__": LEAVES
    | {"options"}
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


def test_only_the_runner_of_stream_knows_understanding():
    for file in (ROOT / "stream").glob("*.py"):
        if file.name != "runner.py":
            assert "understanding" not in imports(file), file


def test_the_worker_runs_without_training_packages():
    for file in ROOT.rglob("*.py"):
        names = {
            alias.name.split(".")[0]
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        assert not names & {"torch", "transformers", "sklearn"}, file
