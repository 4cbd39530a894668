"""The suite's models: tiny ones, and their lexicon."""

from __future__ import annotations

from pathlib import Path

from tests.servers import models as tiny
from worker.lexicon.build import build

TERMS = """[Shoes > Running]
running shoes = jogging shoes < shoes
sneakers = trainers < shoes
[Shoes]
shoes = footwear
boots = ankle boots < shoes
red shoes < shoes
blue boots < boots
[Orders]
order = purchase
my order = parcel < order
"""


def write(folder: Path) -> tuple[Path, Path]:
    """Tiny models and a lexicon of theirs: the two folders."""
    models, source, lexicon = folder / "models", folder / "terms", folder / "lexicon"
    tiny.build(models)
    source.mkdir()
    (source / "shop.txt").write_text(TERMS)
    build(source, models, lexicon)
    return models, lexicon
