"""Checkpoints that are combined: of what kind they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from triton_models.kinds import KINDS, having
from triton_models.settings import UsageError
from triton_models.training import networks
from triton_models.training.checkpoints import require_checkpoint


def kind_of(folder: Path) -> str:
    """The kind of model of a run; UsageError where there is no checkpoint."""
    require_checkpoint(folder)
    return networks.kind_of(folder)


def same_kind(folders: Sequence[Path]) -> str:
    """The kind of all runs; UsageError where they differ."""
    kind = kind_of(folders[0])
    for folder in folders[1:]:
        if (other := kind_of(folder)) != kind:
            raise UsageError(
                f"{folder}: a run of {other}, {folders[0]} is one of {kind}; give one kind"
            )
    return kind


def combining(folders: Sequence[Path]) -> ModuleType:
    """The part of the runs' kind that asks and judges classifiers; UsageError for another kind."""
    kind = same_kind(folders)
    if not KINDS[kind].has("combining"):
        able = " or ".join(having("combining"))
        raise UsageError(f"{folders[0]}: a run of {kind}, no classifier; give runs of {able}")
    return KINDS[kind].part("combining")
