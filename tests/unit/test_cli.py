"""The command line's own errors: one line with the remedy, exit code 2."""

import pytest

from tests import program


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
