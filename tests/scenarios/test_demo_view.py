"""The demo's live view: it survives what guests do, and gives the terminal back."""

import json
import os
import pty
import re
import select
import shutil
import signal
import time
from collections import Counter

import pytest
from rich.console import Console

from tests import program
from tests.stream import Record, done, produce, running, settings, wait_until
from worker.app import App
from worker.commands.demo.observer import Interval, Observer, Shown
from worker.commands.demo.view import View
from worker.config.settings import STARTER_MODELS

GUESTS = [b"{", b"5", b"{}", b'{"query": 1e400}', b'{"query": "a", "intent": 5}', None]
ENTER, LEAVE, SHOW_CURSOR = b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?25h"


def test_what_guests_put_into_the_output_topics_is_skipped(embedded_broker):
    broker, topics = embedded_broker, embedded_broker.topics()
    with running(settings(broker.bootstrap_servers, topics)) as app:
        observer = Observer(app)
        with observer.reading():
            for topic in (topics.output, topics.dead_letters):
                produce(broker.bootstrap_servers, topic, [Record(value) for value in GUESTS])
            mine = [Record(b'{"query": "red \\u001b[2J running shoes"}'), Record(b"not json")]
            produce(broker.bootstrap_servers, topics.input, mine)
            wait_until(done(app, 2), "both came out")
            wait_until(lambda: len(observer.newest) == 2, "both are shown")
    event, letter = sorted(observer.newest, key=lambda shown: shown.rejected)
    assert event.query == "red [2J running shoes" and event.expansions and event.confidence > 0
    assert letter == Shown("not json", rejected="invalid_json")


@pytest.fixture
def own_labels(tmp_path):
    """A model folder whose intents have other names."""
    shutil.copytree(STARTER_MODELS, tmp_path, dirs_exist_ok=True)
    file = tmp_path / "intent" / "model.json"
    contract = json.loads(file.read_text())
    del contract["label_counts"]  # of the labels that there were
    contract["labels"] = ["buy", "look", "ask", "complain about it", "else"]
    file.write_text(json.dumps(contract))
    return tmp_path


@pytest.mark.parametrize("width", [80, 130])
def test_the_intents_are_the_models_own(own_labels, embedded_broker, width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    topics = embedded_broker.topics()
    models = f"inference.models={own_labels}"
    app = App(settings(embedded_broker.bootstrap_servers, topics, models))
    observer = Observer(app)
    app.metrics.intents.labels("buy").inc(3)
    app.metrics.intents.labels("complain about it").inc(1)
    observer.sample()
    observer.newest.append(Shown("red shoes", "buy", 0.9))
    view, console = View(app, observer), Console(width=width)
    view.refresh()
    with console.capture() as captured:
        console.print(view._draw())
    drawn = captured.get()
    assert re.search(r"buy +75%", drawn) and re.search(r"complain +25%", drawn), drawn
    assert "buy 0.90" in drawn


def test_a_model_server_that_became_unavailable_is_shown_in_the_head(embedded_broker):
    app = App(settings(embedded_broker.bootstrap_servers, embedded_broker.topics()))
    view = View(app, Observer(app))
    assert "unavailable" not in view._addresses().plain  # while it starts, nothing is lost
    app._state = "running"
    assert "models    in this process   unavailable" in view._addresses().plain


def test_only_a_hit_counts_as_from_the_cache():
    results = {"hit": 1, "joined": 7, "miss": 2}
    counts = {("cache_lookups_total", result): count for result, count in results.items()}
    assert Interval(1.0, Counter(counts)).hit_ratio == 0.1


def test_a_second_ctrl_c_gives_the_terminal_back():
    pid, terminal = pty.fork()
    if pid == 0:
        argv = program.command("demo", "--rate", "0", "--set", "inference.backend=onnx")
        os.execve(argv[0], argv, program.environment() | {"TERM": "xterm-256color"})
    shown, deadline, last = b"", time.monotonic() + 60, 0.0
    try:
        while time.monotonic() < deadline:
            if select.select([terminal], [], [], 0.05)[0]:
                try:
                    shown += os.read(terminal, 65536)
                except OSError:  # its other end is closed
                    break
            if b"red" in shown.partition(ENTER)[2] and time.monotonic() - last > 0.05:
                last = time.monotonic()
                os.kill(pid, signal.SIGINT)  # until it ends: by force, long before the drain does
    finally:
        os.kill(pid, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(terminal)
    assert code == 1 and b"stopped by force" in shown, shown[-500:]
    after = shown.rpartition(ENTER)[2]
    assert LEAVE in after and SHOW_CURSOR in after.partition(LEAVE)[2]
    assert after.index(LEAVE) < after.index(b"stopped by force")
