"""Ctrl-C while the demo's Triton starts ends it then, not after that start."""

import signal

import pytest

from tests import program


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_it_ends_without_having_started(triton, number):
    """SIGHUP too: its terminal was closed."""
    with program.started("demo", "--set", "logging.level=debug") as demo:
        demo.says("starting Triton")
        demo.popen.send_signal(number)
        assert demo.ended() == 0, demo.log
    assert "Triton is ready" not in demo.log
    assert "Traceback" not in demo.log
