"""What `/livez` and the watch of the models are for: a thread that hangs, models exchanged."""

import json
import threading
import urllib.error
import urllib.request

import pytest

from tests.stream import running, settings, wait_until
from worker.errors import ContractError


def answer(app, path):
    """Status and body."""
    try:
        with urllib.request.urlopen(app.http.url + path, timeout=5) as found:
            return found.status, json.load(found)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_consumer_thread_that_stands_still_fails_livez(embedded_broker, monkeypatch):
    broker, go_on = embedded_broker, threading.Event()
    chosen = settings(broker.bootstrap_servers, broker.topics(), "lifecycle.stall_timeout_s=0.6")
    with running(chosen) as app:
        wait_until(lambda: app.http.url and answer(app, "/readyz")[0] == 200, "ready")
        assert answer(app, "/livez")[0] == 200
        with monkeypatch.context() as patch:
            patch.setattr(app.runner.thread, "_turn", go_on.wait)
            try:
                wait_until(lambda: answer(app, "/livez")[0] == 503, "the hang is seen")
            finally:
                go_on.set()
        wait_until(lambda: answer(app, "/livez")[0] == 200, "it goes on")


def test_a_model_server_that_comes_back_with_other_models_ends_the_worker(
    embedded_broker, triton_of_its_own
):
    """Its outputs would be other models' under these models' names."""
    broker, server = embedded_broker, triton_of_its_own
    chosen = settings(
        *(broker.bootstrap_servers, broker.topics()),
        *("inference.backend=triton", f"inference.url={server.url}"),
    )
    with pytest.raises(ContractError, match="onnx_sha256"), running(chosen) as app:
        wait_until(lambda: app.http.url and answer(app, "/readyz")[0] == 200, "ready")
        server.retrain("intent")
        server.kill()
        wait_until(lambda: app._state == "stopped", "the worker ends by itself")
