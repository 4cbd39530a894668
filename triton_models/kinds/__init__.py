"""The kinds of model, a folder each: what the commands, the contract and the worker ask.

A folder's `__init__` holds `KIND`; a new kind is a new folder with the modules that `Kind.part`
names. Nothing here needs more than the standard library.
"""

from __future__ import annotations

import importlib
import pkgutil

from triton_models.kinds.kind import Kind

KINDS: dict[str, Kind] = {
    found.name: importlib.import_module(f"{__name__}.{found.name}").KIND
    for found in pkgutil.iter_modules(__path__)
    if found.ispkg
}
