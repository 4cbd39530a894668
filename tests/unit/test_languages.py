"""The settings of languages with models or a lexicon of their own."""

import re

import pytest

from worker.config.load import changes, load_settings
from worker.config.settings import reloadable
from worker.errors import ConfigError


def load(*assignments):
    return load_settings(None, {}, assignments)


def test_an_entry_takes_the_place_of_what_the_default_has(tmp_path):
    file = tmp_path / "worker.toml"
    file.write_text(
        '[inference]\nmodels = "m"\nurl = "a:1"\nnames = { encoder = "e" }\ntagging = true\n'
        '[lexicon]\nfolder = "l"\n'
        '[languages.de]\nlexicon = "l/de"\nnames = { intent = "intent_de" }\n'
        '[languages.fr]\nmodels = "m/fr"\ntagging = false\n'
    )
    settings = load_settings(file, {})
    default, de, fr = (settings.of(entry) for entry in settings.entries)
    assert default == settings
    assert (de.lexicon.folder.as_posix(), de.inference.models.as_posix()) == ("l/de", "m")
    assert (de.inference.name("intent"), de.inference.name("encoder")) == ("intent_de", "encoder")
    assert (fr.lexicon.folder.as_posix(), fr.inference.models.as_posix()) == ("l", "m/fr")
    assert (fr.inference.name("encoder"), de.inference.tags, fr.inference.tags) == (
        "e",
        True,
        False,
    )
    assert {part.inference.url for part in (default, de, fr)} == {"a:1"}


def test_entries_come_from_every_source():
    environment = {
        "QUERY_WORKER_LANGUAGES__DE__LEXICON": "env",
        "QUERY_WORKER_LANGUAGES__DE__NAMES__INTENT": "intent_de",
    }
    flags = ["languages.de.names.encoder=encoder_de", "languages.fr.models=m"]
    languages = load_settings(None, environment, flags).languages
    assert languages["de"].names == {"intent": "intent_de", "encoder": "encoder_de"}
    assert (str(languages["de"].lexicon), str(languages["fr"].models)) == ("env", "m")


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (
            ["german.lexicon=l"],
            "found 'german', expected languages by their ISO 639 code (de, pt, zh); write [",
        ),
        (["dk.lexicon=l"], "languages: found 'dk'"),  # a country: Danish is da
        (["DE.lexicon=l"], "languages: found 'DE'"),
        (["en.lexicon=l"], "let [inference] and [lexicon] say what [languages.en] says"),
        (
            ["de.modles=m"],
            "languages.de.modles: found an unknown name, expected one of lexicon, names,",
        ),
        (["de.names.intend=i"], "languages.de.names: found intend, expected kinds of model"),
        (["de=l"], "languages.de: found 'l', expected a table; write [languages.de]"),
    ],
)
def test_a_faulty_entry_is_refused_with_the_remedy(assignments, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        load(*(f"languages.{item}" for item in assignments))


def test_a_language_has_an_entry_or_shares_the_default(tmp_path):
    with pytest.raises(ConfigError, match=r"take de out of understanding\.languages, or leave"):
        load("languages.de.lexicon=l", "understanding.languages=en,de")
    with pytest.raises(ConfigError, match=r"other languages than understanding.default_language"):
        load("languages.de.lexicon=l", "understanding.default_language=de")
    assert load("languages.en.lexicon=l", "understanding.default_language=de")
    (tmp_path / "worker.toml").write_text("[languages.de]\n")
    with pytest.raises(ConfigError, match=r"put de into understanding\.languages"):
        load_settings(tmp_path / "worker.toml", {})


def test_a_fault_elsewhere_does_not_hide_it_nor_crash():
    with pytest.raises(ConfigError) as caught:
        load("languages.xy.lexicon=l", "understanding.default_language=E")
    assert [fault.key for fault in caught.value.faults] == ["understanding.default_language"]


def test_of_an_entry_a_running_worker_changes_only_the_lexicon():
    old = load("languages.de.lexicon=a", "languages.de.names.intent=x")
    new = load("languages.de.lexicon=b", "languages.de.names.intent=y")
    found = {change.key: (change.old, change.new) for change in changes(old, new)}
    assert found == {
        "languages.de.lexicon": ("'a'", "'b'"),
        "languages.de.names.intent": ("'x'", "'y'"),
    }
    assert list(map(reloadable, found)) == [True, False]
    came = changes(load(), load("languages.de.lexicon=a"))
    assert [(c.key, reloadable(c.key)) for c in came if c.old == "no value"] == [
        ("languages.de", False),
        ("languages.de.lexicon", True),
    ]
