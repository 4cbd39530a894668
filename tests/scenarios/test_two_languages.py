"""One worker serves two languages from one Triton, each by its own models and lexicon."""

import json
import shutil

import pytest

from tests import languages, program
from tests.scenarios.test_health_and_metrics import get, samples
from tests.scenarios.test_reload import working
from tests.servers.triton import running as triton_running
from tests.skips import skip_or_fail
from tests.stream import Record, done, produce, read, running, schema, settings, wait_until
from worker.embedded.binary import available

ENGLISH, GERMAN, FRENCH = "red running shoes", "laufschuhe", "robe longue rouge"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Models of two languages, a configuration, and a German lexicon by the program's command."""
    folder = tmp_path_factory.mktemp("two")
    models = languages.models(folder / "models")
    (folder / "source").mkdir()
    (folder / "source" / "terms.txt").write_text(languages.TERMS)
    (folder / "worker.toml").write_text(
        f'[inference]\nmodels = "{models}"\ntagging = false\n'
        f'[languages.de]\nlexicon = "{folder}/lexicon"\n'
        'names = { intent = "intent_de", encoder = "encoder_de", matching = "matching_de" }\n'
    )
    build(folder)
    return folder


def build(folder):
    """Build the German lexicon."""
    done = program.run(
        *("lexicon", "build", "-c", str(folder / "worker.toml"), "--language", "de"),
        *("--source", str(folder / "source"), "--out", str(folder / "lexicon")),
    )
    assert done.returncode == 0, done.stderr


def record(query, partition):
    return Record(json.dumps({"query": query}).encode(), partition=partition)


def by_query(broker, topics, count):
    found = read(broker.bootstrap_servers, [topics.output], count)
    events = [json.loads(message.value()) for message in found]
    for event in events:
        schema("output").validate(event)
    return {event["query"]: event for event in events}


def test_a_model_of_one_language_hangs_and_the_other_language_goes_on(embedded_broker, folder):
    if reason := available():
        skip_or_fail(f"the real Triton cannot run here: {reason}")
    broker, topics = embedded_broker, embedded_broker.topics()
    with triton_running(folder / "models") as triton:
        chosen = settings(
            *(broker.bootstrap_servers, topics, "inference.tagging=false"),
            *("inference.backend=triton", f"inference.url={triton.url}"),
            "inference.timeout_ms=500",
            *languages.flags(folder / "models", folder / "lexicon"),
        )
        with running(chosen) as app:
            wait_until(lambda: app.runner.connected and get(app, "/readyz")[0] == 200, "ready")
            first = [record(ENGLISH, 0), record(GERMAN, 1), record(FRENCH, 2)]
            produce(broker.bootstrap_servers, topics.input, first)
            wait_until(done(app, 3), "one of each language")
            with triton.hung("intent_de"):
                waits = [record("stiefel herren", 1)]
                produce(broker.bootstrap_servers, topics.input, waits)
                wait_until(lambda: get(app, "/readyz")[0] == 503, "not ready")
                body = json.loads(get(app, "/readyz")[1])
                assert (body["models"], body["circuits_open"]) == ("away", ["intent_de"])
                produce(broker.bootstrap_servers, topics.input, [record("blue sofa", 0)])
                wait_until(done(app, 4), "the English one")
            wait_until(done(app, 5), "the German one")
            wait_until(lambda: get(app, "/readyz")[0] == 200, "ready again")
            metrics = samples(get(app, "/metrics")[1])
    assert metrics['query_worker_model_circuit_openings_total{model="intent_de"}'] == 1
    assert metrics['query_worker_model_circuit_openings_total{model="intent"}'] == 0
    events = by_query(broker, topics, 5)
    made_by = {query: event["provenance"] for query, event in events.items()}
    assert [made_by[q]["encoder"].split(":")[0] for q in (ENGLISH, GERMAN)] == [
        *("encoder", "encoder_de")
    ]
    assert made_by[ENGLISH]["lexicon"] != made_by[GERMAN]["lexicon"]
    assert events[GERMAN]["categories"][0]["path"] == "Schuhe > Laufschuhe"
    assert events["stiefel herren"]["status"] == "complete"
    assert (events[FRENCH]["language"], events[FRENCH]["intent"]) == ("fr", None)


def test_a_lexicon_of_one_language_is_exchanged_by_sighup(embedded_broker, folder, tmp_path):
    own = shutil.copytree(folder, tmp_path / "own", symlinks=True)
    text = (folder / "worker.toml").read_text().replace(str(folder), str(own))
    (own / "worker.toml").write_text(text)
    with working(embedded_broker, own / "worker.toml") as worker:

        def understood(query, count):
            return worker.understood(count, record(query, 0))

        before, english = understood(GERMAN, 1), understood(ENGLISH, 2)
        (own / "source" / "terms.txt").write_text("[Sport > Schuhe]\nlaufschuhe\n")
        build(own)
        old = before["provenance"]["lexicon"]
        log = worker.hang_up(f"reloaded: languages.de.lexicon: version {old} -> version ")
        assert "reloaded: lexicon" not in log
        after = understood(GERMAN, 3)
        assert after["provenance"]["lexicon"] != old and not after["provenance"]["cached"]
        assert after["categories"][0]["path"] == "Sport > Schuhe"
        assert understood(ENGLISH, 4)["provenance"]["lexicon"] == english["provenance"]["lexicon"]
        (own / "lexicon" / "terms.bin").unlink()
        worker.hang_up("the configuration is not reloaded, the old one stays")
        assert understood(GERMAN, 5)["provenance"]["cached"]


def test_enrich_and_explain_take_the_models_of_the_language(folder):
    config = "-c", str(folder / "worker.toml")
    events = program.run("enrich", *config, text=f"{GERMAN}\n{ENGLISH}\n").stdout.splitlines()
    german, english = map(json.loads, events)
    explained = json.loads(program.run("explain", GERMAN, *config, "--json").stdout)
    assert (explained["language"], explained["served"]) == ("de", True)
    kept = [c["term"] for c in explained["candidates"] if c["verdict"] == "kept"]
    assert kept == [expansion["term"] for expansion in german["expansions"]] != []
    assert english["provenance"]["intent"].startswith("intent:")
    by_locale = ("explain", "kallax", *config, "--json", "--locale")
    found = [json.loads(program.run(*by_locale, at).stdout)["language"] for at in ("de", "en-US")]
    assert found == ["de", "en"]
    french = program.run("explain", FRENCH, *config)
    assert "Language: fr, which is not served" in french.stdout


def test_the_demo_serves_models_that_lie_in_several_folders(tmp_path, folder):
    english = languages.models(tmp_path / "en", german=())
    for kind in languages.KINDS:
        (tmp_path / "de").mkdir(exist_ok=True)
        (tmp_path / "de" / f"{kind}_de").symlink_to(folder / "models" / f"{kind}_de")
    (tmp_path / "queries.txt").write_text(f"{GERMAN}\n{ENGLISH}\n")
    names = ", ".join(f'{kind} = "{kind}_de"' for kind in languages.KINDS)
    (tmp_path / "worker.toml").write_text(
        f'[inference]\nmodels = "{english}"\n[languages.de]\nmodels = "{tmp_path}/de"\n'
        f'lexicon = "{folder}/lexicon"\nnames = {{ {names} }}\n'
    )
    done = program.run(
        *("demo", "-c", str(tmp_path / "worker.toml"), "--events", "20", "--json"),
        *("--queries", str(tmp_path / "queries.txt")),
    )
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["published"], summary["dead_lettered"]) == (20, 0)
