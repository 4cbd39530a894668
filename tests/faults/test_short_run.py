"""In short runs of the fault suite nothing is lost, whatever is killed, hangs or is cut off."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack

import pytest

from tests.faults.kinds import KINDS
from tests.servers import kafka
from tests.skips import skip_or_fail
from worker.embedded import binary

# Seeds that give these kinds once each, soon one after the other, the kill first.
RUNS = {
    "at-least-once": (3587, "worker_kill", "triton_kill", "wrong_rows", "kafka_cut", "oversize"),
    "exactly-once": (2806, "worker_kill", "worker_freeze", "kafka_cut", "oversize"),
}
DEADLINE_S = 300.0


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Both at once, since most of their time is waiting: each one's process, and its folder."""
    for reason in (kafka.unavailable(), binary.available()):
        if reason:
            skip_or_fail(reason)
    with ExitStack() as stack:
        started = {}
        for delivery in RUNS:
            folder = tmp_path_factory.mktemp(delivery)
            process = subprocess.Popen(
                command(delivery),
                stdout=subprocess.PIPE,
                stderr=(folder / "stderr").open("w"),
                text=True,
                env=os.environ | {"TMPDIR": str(folder)},
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)
            started[delivery] = process, folder
        yield started


def command(delivery):
    seed, *kinds = RUNS[delivery]
    chosen = [part for kind in kinds for part in ("--only", kind)]
    short = ["--minutes", "0.24", "--overlap", "--workers", "2", "--rate", "100"]
    run = ["--seed", str(seed), "--delivery", delivery, *short, *chosen]
    return [sys.executable, "-m", "tests.faults", *run]


@pytest.mark.parametrize("delivery", RUNS)
def test_a_short_run(runs, delivery):
    process, folder = runs[delivery]
    told, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, (folder / "stderr").read_text()
    result = json.loads(told.splitlines()[-1])
    wrong = "lost", "out_of_order_elsewhere", "duplicated_elsewhere", "corrupted", "mixed_versions"
    assert {name: result[name] for name in wrong} == dict.fromkeys(wrong, 0)
    if delivery == "exactly-once":
        assert result["duplicated"] == result["out_of_order"] == 0
    assert result["faults"] == {kind: 1 for kind in KINDS if kind in RUNS[delivery]}
    assert result["inputs"] > 1000 and result["dead_letters"]["null_value"] > 5
    assert result["dead_letters"]["output_refused"] > 0
    assert not list(folder.glob("query-worker-*")), "nothing is left behind"
