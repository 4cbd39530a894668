"""A German beside the English starter: models under other names, and a small lexicon."""

from __future__ import annotations

import json
from pathlib import Path

from worker.config.settings import STARTER_MODELS
from worker.lexicon import build

KINDS = "intent", "encoder", "matching"
TERMS = """\
[Schuhe > Laufschuhe]
laufschuhe = joggingschuhe
[Schuhe > Stiefel]
stiefel = boots
"""


def models(folder: Path, german: tuple[str, ...] = KINDS) -> Path:
    """Model folders `KIND` and, of the kinds in `german`, `KIND_de`: the same files."""
    for kind in KINDS:
        for name in (kind, *([f"{kind}_de"] if kind in german else [])):
            (folder / name).mkdir(parents=True)
            for file in (STARTER_MODELS / kind).iterdir():
                if file.is_file() and file.name != "model.json":
                    (folder / name / file.name).symlink_to(file)
            change(folder / name, STARTER_MODELS / kind, name=name)
    return folder


def change(folder: Path, source: Path | None = None, **fields: object) -> None:
    """Write `model.json` with other fields than the one of `source`, or than there were."""
    told = json.loads(((source or folder) / "model.json").read_text())
    if "labels" in fields:
        del told["label_counts"]  # of the labels that there were
    (folder / "model.json").write_text(json.dumps(told | fields))


def lexicon(folder: Path, terms: str = TERMS) -> Path:
    """A built lexicon of these terms."""
    source = folder / "source"
    source.mkdir(parents=True, exist_ok=True)
    (source / "terms.txt").write_text(terms)
    build.build(source, STARTER_MODELS, folder / "built")
    return folder


def flags(models: Path, lexicon: Path, german: tuple[str, ...] = KINDS) -> list[str]:
    """Assignments of settings with an entry for German."""
    return [
        *(f"inference.models={models}", f"languages.de.lexicon={lexicon}"),
        *(f"languages.de.names.{kind}={kind}_de" for kind in german),
    ]
