"""Nothing that came from outside forges a line of the log, steers a terminal, or quotes a query."""

import json
import logging

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from worker import logs
from worker.config.settings import Logging
from worker.redact import redacted

FORGED = (
    "red\n12:00:00 ERROR   worker: forged\r\x1b[2J\x1b]0;title\x07\u202eabc\u2028\x9b31m\x00\ud800"
)
QUERY = "where is my order 4711"


@pytest.fixture
def log(monkeypatch, capsys):
    """Sets the log up as it is at work; gives what reads all that was written since."""
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level

    def written(form: str, queries: bool = False):
        logs.set_up(Logging(level="debug", format=form, queries=queries))
        return lambda: capsys.readouterr().err

    yield written
    root.handlers, root.level = kept, level
    monkeypatch.setattr(logs, "_show_queries", False)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_message_is_one_line_without_anything_a_terminal_obeys(log, form):
    written = log(form)
    logging.getLogger("worker").warning("refused: %s", FORGED)
    [line] = written().splitlines()
    assert line.isprintable()
    assert "red\\n12:00:00" in (json.loads(line)["message"] if form == "json" else line)


@effort(max_examples=300, deadline=None)
@given(st.text())
def test_safe_text_is_printable_and_says_the_same(text):
    shown = redacted(text)
    assert shown.isprintable() and (not text.isprintable() or shown == text)
    assert all(character in shown for character in text if character.isprintable())


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_has_its_place_and_not_the_words_which_may_quote_a_query(log, form):
    written = log(form)
    try:
        {}[QUERY + FORGED]
    except KeyError:
        logging.getLogger("worker").exception("query %s", logs.shown(QUERY))
    output = written()
    assert "KeyError" in output and "test_logs_are_safe.py" in output
    assert QUERY not in output and "forged" not in output
    assert f"of {len(QUERY)} characters, SHA-256" in output
    first, *rest = output.splitlines()
    assert all(line.startswith("  | ") for line in rest)


def test_queries_are_shown_where_that_is_asked_for(log):
    written = log("text", queries=True)
    try:
        {}[FORGED]
    except KeyError:
        logging.getLogger("worker").exception("query %s", logs.shown(QUERY))
    output = written()
    assert QUERY in output and "KeyError" in output
    assert all(line.isprintable() for line in output.splitlines())
    assert not [line for line in output.splitlines() if line.startswith("12:00:00 ERROR")]


def test_an_unexpected_error_is_reported_by_type_and_line():
    try:
        {}[QUERY]
    except KeyError as error:
        message = logs.fault(error)
    assert message.startswith("KeyError at test_logs_are_safe.py:")
