"""Ctrl-C ends `enrich` at once with exit code 130, also while stdin is open and silent."""

import json
import signal
import subprocess

from tests import program


def test_it_ends_while_it_waits_for_a_line():
    enrich = subprocess.Popen(
        program.command("enrich"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=program.environment(),
    )
    try:
        enrich.stdin.write(b"red shoes\n")
        enrich.stdin.flush()
        assert json.loads(enrich.stdout.readline())["query"] == "red shoes"
        enrich.send_signal(signal.SIGINT)
        assert enrich.wait(20) == 130  # stdin is still open
        assert enrich.stdout.read() == b""
        assert enrich.stderr.read().strip() == b""  # click ends the line of the ^C
    finally:
        enrich.kill()
        enrich.communicate()
