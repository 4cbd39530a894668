"""In a short run of the fault suite nothing is lost, whatever is killed, hangs or is cut off."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.faults.kinds import KINDS
from tests.servers import kafka
from tests.skips import skip_or_fail
from worker.embedded import triton

KINDS_HERE = "worker_kill", "broker_kill", "triton_kill", "kafka_cut", "wrong_rows"


def test_a_short_run(tmp_path):
    for reason in (kafka.unavailable(), triton.available()):
        if reason:
            skip_or_fail(reason)
    chosen = [part for kind in KINDS_HERE for part in ("--only", kind)]
    command = [sys.executable, "-m", "tests.faults", "--seed", "5", "--minutes", "1", *chosen]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    wrong = "lost", "duplicated_elsewhere", "out_of_order", "corrupted", "mixed_versions"
    assert {name: result[name] for name in wrong} == dict.fromkeys(wrong, 0)
    assert len(result["faults"]) >= 3 and set(result["faults"]) <= set(KINDS)
    assert result["inputs"] > 10_000 and result["dead_letters"]["null_value"] > 10
    assert not list(tmp_path.glob("query-worker-*")), "nothing is left behind"
