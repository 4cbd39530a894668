"""Runs Prometheus's own validator."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from tests.skips import skip_or_fail
from worker.metrics import vocabulary

# What Triton and Prometheus themselves export, and is used here.
OTHERS = {
    "up",
    "nv_inference_compute_infer_duration_us",
    "nv_inference_queue_duration_us",
    "nv_inference_request_failure",
    "nv_inference_request_success",
}


def promtool(*arguments: str | Path) -> None:
    """Fails with promtool's words; skips where it is not installed."""
    program = shutil.which("promtool")
    if program is None:
        skip_or_fail("promtool is not here; install Prometheus (Debian: apt install prometheus)")
    done = subprocess.run([program, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def unknown_metrics(expression: str) -> set[str]:
    """Names in a PromQL expression that no part of the system exports."""
    names = set(re.findall(r"\b(?:query_worker_\w+|process_\w+|nv_\w+|up)\b", expression))
    assert names, f"no metric in {expression!r}"
    return names - set(vocabulary()) - OTHERS
