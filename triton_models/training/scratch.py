"""A network that is trained to be asked once: its checkpoint goes again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from torch import nn

from triton_models.kinds import KINDS
from triton_models.training import networks


@contextmanager
def trained(
    kind: str, material: Any, start: Path, recipe: Any
) -> Iterator[tuple[nn.Module, Tokenizer]]:
    """What a kind's course makes of a material, and the tokenizer of it."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        KINDS[kind].part("training").train(material, start, folder, recipe)
        yield networks.load(folder, kind).eval(), networks.tokenizer_of(folder)
