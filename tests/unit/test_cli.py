"""The command line's own errors: one line with the remedy, exit code 2."""

import json
import signal

import pytest

from tests import program

JSON = ("--set", "logging.format=json")
AWAY = ("--set", "kafka.bootstrap_servers=127.0.0.1:9", "--set", "inference.backend=onnx")
SOON = ("--set", "lifecycle.startup_timeout_s=1", "--set", "server.port=0")


def test_no_command_shows_what_there_is():
    done = program.run()
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: query-worker" in done.stderr.replace("python -m worker", "query-worker")
    assert "demo" in done.stderr and "(see --help" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["enrich", ""], "'': No such file or directory; name a file of queries"),
        (["enrich", "."], "'.': Is a directory; name a file of queries"),
        (["run", "-c", "."], ".: cannot be read (Is a directory); name a TOML file with -c"),
        (["demo", "--queries", "."], ".: cannot be read (Is a directory); name a file of queries"),
        (["demo", "--rate", "-1"], "Invalid value for '--rate'"),
        (["demo", "--events", "-1"], "Invalid value for '--events'"),
    ],
)
def test_wrong_usage_is_one_line(arguments, message):
    done = program.run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run", *JSON, *AWAY, *SOON], 1, "Kafka at 127.0.0.1:9: "),
        (["run", *JSON, *AWAY, *SOON, "--processes", "2"], 1, "Kafka at 127.0.0.1:9: "),
        (["run", *JSON, "--set", "kafka.group=a"], 2, "configuration: 1 fault\n  - kafka.group: "),
        (["run", *JSON, "-c", "none.toml"], 2, "none.toml: no such file"),
        (["run", *JSON, "--set", "lexicon.folder=none"], 2, "none"),
        (["enrich", *JSON, "."], 2, "'.': Is a directory"),
    ],
)
def test_where_the_log_is_json_so_is_the_reason_of_the_end(arguments, code, message):
    """Else a pipeline that reads objects loses the line that says why a worker ended."""
    done = program.run(*arguments)
    assert done.returncode == code
    *_, last = [json.loads(line) for line in done.stderr.splitlines()]
    assert last["level"] == "error" and message in last["message"]


def test_a_forced_stop_is_an_object_too():
    with program.started("run", *JSON, *AWAY, "--set", "server.port=0") as running:
        running.says("waiting for Kafka")
        running.popen.send_signal(signal.SIGSTOP)
        running.popen.send_signal(signal.SIGTERM)
        running.popen.send_signal(signal.SIGINT)  # the other number: equal ones are merged
        running.popen.send_signal(signal.SIGCONT)
        assert running.ended() == 1
    assert json.loads(running.lines[-1])["message"].startswith("stopped by force")
