"""The kinds of model, a folder each: what the commands, the contract and the worker ask.

A folder's `__init__` holds `KIND`; a new kind is a new folder with the modules that `Kind.part`
names. It may lie here, or in a package of your own whose entry point in the group `GROUP` names it.
Nothing here needs more than the standard library.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from importlib.metadata import entry_points

from triton_models.kinds.kind import Kind

GROUP = "triton_models.kinds"


def _packages() -> Iterator[str]:
    """The dotted names of the folders: ours, then those of installed packages."""
    yield from (
        f"{__name__}.{found.name}" for found in pkgutil.iter_modules(__path__) if found.ispkg
    )
    yield from (point.module for point in entry_points(group=GROUP))


def _found() -> dict[str, Kind]:
    kinds: dict[str, Kind] = {}
    for package in _packages():
        kind = importlib.import_module(package).KIND
        if kind.name in kinds:
            raise ImportError(f"{package}: {kinds[kind.name].package} is called so; rename one")
        kinds[kind.name] = kind
    return kinds


KINDS = _found()


def having(part: str) -> list[str]:
    """The names of the kinds whose folder has a part."""
    return [name for name, kind in KINDS.items() if kind.has(part)]
