"""What a test does when a program it needs is not here."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def skip_or_fail(reason: str) -> NoReturn:
    """Skip, or fail where `TESTS_MUST_RUN=1` forbids skipping."""
    if os.environ.get("TESTS_MUST_RUN") == "1":
        pytest.fail(f"skipping is forbidden: {reason}")
    pytest.skip(reason, allow_module_level=True)
