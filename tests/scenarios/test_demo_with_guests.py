"""The demo counts also what a user's own client puts into its input topic."""

import re
import subprocess

from tests import program
from tests.stream import Record, produce

FOREIGN = [Record(b'{"query": "my own words %d"}' % n, partition=n % 4) for n in range(40)]
FOREIGN += [Record(b"not json"), Record(None), Record(b"", key=b"k")]
BAD = 3
EVENTS = 200


def test_the_summary_balances():
    """The live view tells the address: on a terminal or not, it goes to stderr."""
    arguments = "--events", str(EVENTS), "--rate", "80", "--set", "inference.backend=onnx"
    popen = subprocess.Popen(
        program.command("demo", *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=program.environment(),
    )
    demo = program.Process(popen)
    try:
        demo.says("/metrics")
        address = re.search(r"Kafka\s+(127\.0\.0\.1:\d+)", demo.log)[1]
        produce(address, "queries", FOREIGN)
        assert demo.ended() == 0, demo.log
        summary = popen.stdout.read()
    finally:
        popen.kill()
        popen.wait()
    match = re.match(r"(\d+) in = (\d+) published \+ (\d+) dead-lettered\n", summary)
    assert match, summary
    total, published, dead_lettered = map(int, match.groups())
    assert total == EVENTS + len(FOREIGN) == published + dead_lettered
    assert dead_lettered >= BAD
