"""Two languages in one worker: each is answered by its own models and lexicon."""

import asyncio
import json

import pytest

from tests import languages
from tests.stream import schema
from tests.understanding import Counting, events, totals
from worker.app import App
from worker.build import Understanding, make_pipeline
from worker.config.load import load_settings
from worker.config.settings import STARTER_LEXICON
from worker.errors import ConfigError, LexiconError, ModelRejected, Reject
from worker.event import Input
from worker.folders import by_name, load_all_contracts
from worker.metrics import Metrics

GERMAN, ENGLISH = "laufschuhe", "red running shoes"
SAME = "kallax"  # a name that says nothing of the language: the locale decides
PLAIN = ("inference.tagging=false", "policies.patience_ms=0")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Models of both languages, and a German lexicon."""
    folder = tmp_path_factory.mktemp("german")
    return languages.models(folder / "models"), languages.lexicon(folder / "lexicon")


def settings(folders, *assignments, german=languages.KINDS):
    return load_settings(None, {}, [*PLAIN, *languages.flags(*folders, german), *assignments])


def pipeline(chosen, away=()):
    contracts, metrics = load_all_contracts(chosen), Metrics()
    inference = Counting(by_name(contracts), away)
    return make_pipeline(chosen, contracts, inference, metrics), inference, metrics


def inputs(*queries):
    """Events of queries, or of (query, locale)."""
    pairs = [query if isinstance(query, tuple) else (query, None) for query in queries]
    values = [{"query": query} | ({"locale": at} if at else {}) for query, at in pairs]
    return [Input(json.dumps(value).encode(), "id", 5) for value in values]


def understood(made, *queries):
    found = events(asyncio.run(made.process(inputs(*queries))))
    for event in found:
        schema("output").validate(event)
    return found


def made_by(event):
    """Whether all that is in the provenance is German, or English."""
    names = {event["provenance"][kind].split(":")[0] for kind in ("intent", "encoder")}
    return event["language"], names, event["provenance"]["lexicon"]


def fast_lane(made, *queries):
    values = [item.value for item in inputs(*queries)]
    return made.fast_lane(10_000).answers(values, lambda _: ("id", 5), 5)


def seen(made, *queries):
    """Whether the fast lane answers each."""
    return [entry is not None for entry in fast_lane(made, *queries).entries]


def test_each_query_is_answered_by_what_its_language_has(folders):
    made, inference, _ = pipeline(settings(folders))
    versions = made.snapshot.lexicon_versions
    assert len(set(versions.values())) == 2
    german, english, french = understood(made, GERMAN, ENGLISH, "robe longue rouge")
    assert made_by(german) == ("de", {"intent_de", "encoder_de"}, versions["languages.de.lexicon"])
    assert made_by(english) == ("en", {"intent", "encoder"}, versions["lexicon"])
    assert german["provenance"]["matching"].startswith("matching_de:")
    assert [item["path"] for item in german["categories"]] == ["Schuhe > Laufschuhe"]
    assert "joggingschuhe" in [item["term"] for item in german["expansions"]]
    assert (french["language"], french["intent"], french["status"]) == ("fr", None, "complete")
    assert french["provenance"]["intent"] is None
    assert [inference.rows[name] for name in ("intent", "intent_de")] == [1, 1]


def test_languages_that_share_the_default_are_answered_by_it(folders):
    made, _, _ = pipeline(settings(folders, "understanding.languages=en,fr"))
    (french,) = understood(made, "robe longue rouge")
    assert made_by(french)[:2] == ("fr", {"intent", "encoder"})


def test_a_model_has_one_stage_which_gets_the_rows_of_its_own_languages_only(folders):
    """Also where two languages share one: it is asked by one stage, and checked once."""
    chosen = settings(folders, german=("intent", "matching"))
    made, inference, _ = pipeline(chosen)
    names = ["intent", "encoder", "matching", "intent_de", "matching_de"]
    assert [stage.name for stage in made.stages] == names
    assert sorted(Understanding(chosen).contracts) == sorted(names)
    found = understood(made, ENGLISH, "blue sofa", GERMAN)
    assert {event["provenance"]["encoder"] for event in found} == {"encoder:1"}
    assert [inference.rows[name] for name in ("intent", "intent_de", "encoder")] == [2, 1, 3]


def test_the_same_text_in_two_languages_shares_no_entry(folders):
    made, inference, metrics = pipeline(settings(folders))
    both = (SAME, "de-DE"), (SAME, "en-US")
    first = understood(made, *both)
    assert [event["language"] for event in first] == ["de", "en"]
    again = understood(made, *both, SAME.upper(), ("KALLAX", "de"))
    assert [made_by(event)[1] for event in again[:2]] == [made_by(event)[1] for event in first]
    assert [event["language"] for event in again[2:]] == ["en", "de"]
    assert all(event["provenance"]["cached"] for event in again)
    assert totals(metrics.cache, "result") == {"miss": 2, "hit": 4}
    assert inference.rows["intent"] == inference.rows["intent_de"] == 1
    lane = fast_lane(made, *both)
    fast = [json.loads(lane.output(position)) for position in range(2)]
    assert [made_by(event) for event in fast] == [made_by(event) for event in first]


def test_another_version_of_one_languages_model_leaves_the_others_entries(folders):
    made, inference, metrics = pipeline(settings(folders))
    understood(made, GERMAN, ENGLISH)
    inference.exchange_after["intent_de"] = 0
    understood(made, "stiefel damen")  # by it the new version is seen
    assert seen(made, GERMAN) == [False]
    german, english = understood(made, GERMAN, ENGLISH)
    assert (german["provenance"]["cached"], english["provenance"]["cached"]) == (False, True)
    assert (german["provenance"]["intent"], english["provenance"]["intent"]) == (
        *("intent_de:2", "intent:1"),
    )


def test_another_version_of_a_shared_model_is_known_to_both_whoever_asked_it(folders):
    made, inference, _ = pipeline(settings(folders, german=("intent", "matching")))
    understood(made, GERMAN)
    assert seen(made, GERMAN) == [True]
    inference.exchange_after["encoder"] = 0
    understood(made, ENGLISH)
    assert seen(made, GERMAN) == [False]
    (german,) = understood(made, GERMAN)
    assert german["provenance"]["encoder"] == "encoder:2" and not german["provenance"]["cached"]


def test_a_language_whose_model_is_away_holds_up_no_other(folders):
    """Not even those that joined a query of a batch in which a German one waits."""
    made, inference, metrics = pipeline(settings(folders), away=["intent_de"])

    async def work():
        mixed = asyncio.create_task(made.process(inputs(GERMAN, ENGLISH)))
        await asyncio.sleep(0)
        joined = await asyncio.wait_for(made.process(inputs(ENGLISH)), 10)
        while made.away != ["intent_de"]:
            await asyncio.sleep(0.01)
        assert not mixed.done()
        inference.away.clear()
        return joined, await asyncio.wait_for(mixed, 10)

    joined, mixed = asyncio.run(asyncio.wait_for(work(), 30))
    assert totals(metrics.cache, "result")["joined"] == 1
    assert [event["language"] for event in events(joined + mixed)] == ["en", "de", "en"]
    labels = {"model": "intent_de"}
    assert metrics.registry.get_sample_value("query_worker_model_circuit_openings_total", labels)


@pytest.mark.parametrize("policy", ["degrade", "dead_letter"])
def test_a_stages_policy_is_that_of_all_its_models(folders, policy):
    made, _, _ = pipeline(settings(folders, f"policies.intent={policy}"), away=["intent_de"])
    german, english = asyncio.run(made.process(inputs(GERMAN, ENGLISH)))
    assert json.loads(english.value)["status"] == "complete"
    if policy == "dead_letter":
        assert isinstance(german, Reject)
        assert (german.stage, german.reason) == ("intent", "model_unavailable")
    else:
        assert json.loads(german.value)["degraded"] == ["intent"]


def test_a_query_that_a_model_refuses_is_a_dead_letter_of_its_stage(folders, monkeypatch):
    made, inference, _ = pipeline(settings(folders))
    answer = inference.infer

    async def refusing(model, inputs):
        if model == "intent_de":
            raise ModelRejected(model, "intent_de: cannot be read")
        return await answer(model, inputs)

    monkeypatch.setattr(inference, "infer", refusing)
    german, english = asyncio.run(made.process(inputs(GERMAN, ENGLISH)))
    assert (german.stage, german.reason) == ("intent", "model_rejected")
    assert "intent_de" in str(german) and english.enrichment.complete


def test_a_batch_that_is_cancelled_lets_those_who_joined_it_know(folders):
    made, *_ = pipeline(settings(folders), away=["intent", "intent_de"])

    async def work():
        first = asyncio.create_task(made.process(inputs(GERMAN, ENGLISH)))
        await asyncio.sleep(0)  # so that its keys are known, and nothing is computed yet
        second = asyncio.create_task(made.process(inputs(GERMAN, ENGLISH)))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(Exception, match="stopped"):
            await asyncio.wait_for(second, 10)
        assert made.snapshot.pending == {}

    asyncio.run(work())


def test_metrics_name_models_as_the_server_does(folders):
    made, _, metrics = pipeline(settings(folders))
    understood(made, GERMAN, ENGLISH)
    assert totals(metrics.model_calls, "model").keys() >= {"intent", "intent_de", "matching_de"}
    (info,) = metrics.build.collect()
    labels = info.samples[0].labels
    assert labels["intent_de"].startswith("intent_de:") and labels["intent"].startswith("intent:")
    assert labels["lexicon"] != labels["lexicon_de"]


def reloaded(made, chosen):
    snapshot = made.prepared(chosen)
    made.use(chosen, snapshot)
    return snapshot


def test_a_reload_takes_the_lexicons_of_all_languages_or_none(folders, tmp_path):
    models, _ = folders
    own = languages.lexicon(tmp_path / "lexicon")
    made = Understanding(settings((models, own)))
    before = made.lexicon_versions
    cache = made.pipeline.snapshot.cache
    same = reloaded(made, settings((models, own)))
    assert made.lexicon_versions == before and made.pipeline.snapshot.cache is cache
    assert same.computations["de"].lexicon is made.pipeline.snapshot.computations["de"].lexicon
    languages.lexicon(own, "[Schuhe]\nlaufschuhe = rennschuhe\n")
    reloaded(made, settings((models, own)))
    after = made.lexicon_versions
    assert after["lexicon"] == before["lexicon"]
    assert after["languages.de.lexicon"] != before["languages.de.lexicon"]
    assert made.pipeline.snapshot.cache is not cache
    (own / "built" / "brands.json").write_text("[]")
    with pytest.raises(LexiconError, match=r"brands\.json is not the file"):
        made.prepared(settings((models, own), "understanding.max_expansions=1"))
    assert made.lexicon_versions == after


def test_languages_of_one_lexicon_hold_it_once(folders):
    models, _ = folders
    made, *_ = pipeline(settings((models, STARTER_LEXICON)))
    default, german = made.snapshot.computations.values()
    assert german.lexicon is default.lexicon and german.stages is not default.stages


def test_two_models_of_one_name_are_refused(tmp_path, folders):
    """The server has one of each."""
    other = languages.models(tmp_path / "other", german=())
    languages.change(other / "intent", version=99)
    chosen = load_settings(
        None, {}, [f"inference.models={folders[0]}", f"languages.de.models={other}", *PLAIN]
    )
    remedy = "export it with --name intent_de, and set languages.de.names.intent"
    with pytest.raises(ConfigError, match=remedy) as caught:
        load_all_contracts(chosen)
    assert str(caught.value).count("\n") == 0  # encoder and matching are the same models


def test_every_fault_of_every_language_in_one_listing(tmp_path, folders):
    models, _ = folders
    chosen = load_settings(
        None,
        {},
        [
            *(f"inference.models={models}", "languages.de.names.intent=intent_nl", *PLAIN),
            *("languages.fr.names.encoder=encoder_fr", f"languages.fr.lexicon={tmp_path}"),
        ],
    )
    with pytest.raises(ConfigError) as caught:
        load_all_contracts(chosen)
    first, second, third = str(caught.value).splitlines()
    assert first.startswith("languages.de: ") and "intent_nl/model.json: not found" in first
    assert second.startswith("languages.fr: ") and "encoder_fr/model.json: not found" in second
    assert "lexicon.json: not found; correct the path (languages.fr.lexicon)" in third


def test_a_lexicon_of_another_encoder_is_refused_with_the_way_to_build_it(tmp_path, folders):
    models = languages.models(tmp_path / "models")
    languages.change(models / "encoder_de", prompts={"query": "", "document": "passage: "})
    chosen = settings((models, folders[1]))
    with pytest.raises(LexiconError, match=r"another encoder than .*encoder_de.*--language de"):
        Understanding(chosen)


def test_a_fallback_intent_is_a_label_of_every_intent_model(tmp_path, folders):
    models = languages.models(tmp_path / "models")
    names = ["kauf", "suche", "frage", "klage", "other"]
    languages.change(models / "intent_de", labels=names)
    assert pipeline(settings((models, folders[1]), "policies.fallback_intent=other"))
    with pytest.raises(ConfigError, match=r"one of kauf.*name a label of the model intent_de"):
        pipeline(settings((models, folders[1]), "policies.fallback_intent=browse"))


def test_the_intents_are_those_of_all_models(tmp_path, folders):
    models = languages.models(tmp_path / "models")
    names = ["kauf", "browse", "frage", "klage", "other"]
    languages.change(models / "intent_de", labels=names)
    assert App(settings((models, folders[1]))).intents == (
        *("purchase", "browse", "inquiry", "complaint", "other", "kauf", "frage", "klage"),
    )
