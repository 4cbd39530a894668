"""Typos, styles, hidden words, slices and vocabularies of Chinese, German, Spanish and French."""

import random

import pytest

from triton_models.__main__ import main
from triton_models.data.held_back import is_held_back
from triton_models.data.restyle import restyle
from triton_models.data.typos import Typos, misspell, neighbours, sound_alikes, typos_of
from triton_models.evaluation.perturb import perturbations, perturbed
from triton_models.query_text import word_count
from triton_models.settings import UsageError

ALIKE = {"红": "洪虹宏鸿弘轰哄", "鞋": "谐协邪斜胁些写", "手": "首"}
SETS = "#字\t同音\t异调\n" + "".join(f"{a}\t{b[:3]}\t{b[3:]}\n" for a, b in ALIKE.items())


@pytest.fixture
def chinese(tmp_path):
    (tmp_path / "sets.txt").write_text(SETS, encoding="utf-8")
    return typos_of("zh", (str(tmp_path / "sets.txt"),))


def test_fingers_slip_on_the_keyboard_of_the_language():
    assert neighbours("z", typos_of("en")) == "x"
    assert neighbours("z", typos_of("de")) == "tu"
    assert neighbours("a", typos_of("fr")) == "z"
    assert neighbours("ñ", typos_of("es")) == "l"


@pytest.mark.parametrize(
    ("language", "word", "alike"),
    [
        ("de", "größe", {"groesse", "größe", "grösse", "grosse", "groeße"}),
        ("de", "stühle", {"stuehle", "stuhle", "stüle"}),
        ("es", "vaqueros", {"baqueros", "vakeros", "vaqueroz"}),
        ("es", "zapatos", {"sapatos"}),
        ("fr", "chaussures", {"chossures", "chausures"}),
        ("fr", "été", {"eté", "éter"}),
        ("en", "kitchen", {"citchen", "kichen"}),
    ],
)
def test_words_are_written_as_they_sound_in_their_language(language, word, alike):
    assert alike & set(sound_alikes(word, typos_of(language)))


def test_rules_of_one_language_are_not_used_in_another():
    assert "groesse" not in sound_alikes("größe", typos_of("en"))
    assert "baqueros" not in sound_alikes("vaqueros", typos_of("en"))
    assert sound_alikes("vaqueros", Typos()) == []


@pytest.mark.parametrize("text", ["红色运动鞋", "红 色 鞋", "nike红鞋"])
def test_chinese_characters_are_taken_for_others_of_their_sets(chinese, text):
    found = {misspell(text, random.Random(seed), chinese) for seed in range(60)}
    assert len(found - {text}) > 2
    for other in found:
        assert len(other) == len(text) and other.count(" ") == text.count(" ")
        changed = [(a, b) for a, b in zip(text, other, strict=True) if a != b]
        assert all(b in ALIKE[a] for a, b in changed)
        if changed and " " not in text:
            assert not is_held_back(text, other)


def test_without_sets_chinese_stays_as_it_is():
    for language in ("en", "zh"):
        assert misspell("红色运动鞋手机", random.Random(1), typos_of(language)) == "红色运动鞋手机"


@pytest.mark.parametrize(
    ("content", "told"),
    [("红鞋\t洪", "sets.txt:1: begins with '红鞋'"), ("# nothing", "no confusion set in it")],
)
def test_a_file_that_holds_no_sets_is_refused_by_line(tmp_path, content, told):
    (tmp_path / "sets.txt").write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=told):
        typos_of("zh", (str(tmp_path / "sets.txt"),))


def test_chinese_typos_without_sets_are_refused(tmp_path, capsys):
    given = ["--queries", "a.csv", "--language", "zh", "--misspelled", "0.1"]
    assert main(["finetune", "intent", *given]) == 2
    assert "give --confusions" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["intent", "matching", "encoder", "tagging"])
def test_confusion_sets_are_refused_with_another_language(kind, capsys):
    files = "--queries" if kind in ("intent", "tagging") else "--pairs"
    given = [files, "a.csv", "--language", "de", "--misspelled", "0.1", "--confusions", "sets.txt"]
    assert main(["finetune", kind, *given]) == 2
    error = capsys.readouterr().err
    assert "give --language zh, or leave the sets out" in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("language", "text", "names"),
    [
        ("de", "ich suche rote schuhe für damen", {"rote", "schuhe", "damen"}),
        ("es", "quiero zapatos rojos sin tacón", {"zapatos", "rojos", "sin", "tacón"}),
        ("fr", "je cherche une robe noire sans manches", {"robe", "noire", "sans", "manches"}),
    ],
)
def test_styles_keep_what_is_named_and_are_of_the_language(language, text, names):
    found = {restyle(text, random.Random(seed), language).casefold() for seed in range(120)}
    assert len(found) > 8
    for told in found:
        joined = told.replace(" ", "")
        assert all(name in joined for name in names)
        assert not any(word in told for word in ("please", "thanks", "hello", "quick"))


def told_without_spaces(language, text):
    """Every style that 60 seeds give a text."""
    told = [restyle(text, random.Random(seed), language) for seed in range(60)]
    return [text.casefold().replace(" ", "") for text in told]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "wann kommt mein paket"),
        ("zh", "红色的鞋有没有货"),
        ("en", "hi can i return this without a receipt"),
        ("en", "hey how do i change my address"),
        ("en", "good morning, i'd like to know if you ship to canada"),
        ("en", "i ordered last week. where is it? thanks"),
        ("de", "hallo kann ich das zurückgeben"),
        ("de", "guten tag, ich möchte wissen, ob sie nach wien liefern"),
        ("es", "hola puedo devolver esto"),
        ("es", "buenas tardes, ¿por qué no llega mi pedido"),
        ("fr", "bonjour puis-je retourner ceci"),
        ("fr", "salut, peut on payer en plusieurs fois"),
    ],
)
def test_a_question_of_any_language_stays_whole_behind_a_greeting_too(language, text):
    assert all(text.replace(" ", "") in told for told in told_without_spaces(language, text))


@pytest.mark.parametrize(
    ("language", "text", "matter"),
    [
        ("en", "tell me where my order is", "tell me where my order is"),
        ("en", "hello, it is waterproof", "it is waterproof"),
        ("en", "my card hasn't arrived", "my card hasn't arrived"),
        ("de", "hallo, sagen sie mir wann es kommt", "sagen sie mir wann es kommt"),
        ("es", "hola, se puede devolver esto", "se puede devolver esto"),
        ("fr", "bonjour, on peut retourner ceci", "on peut retourner ceci"),
    ],
)
def test_a_text_with_an_asking_or_auxiliary_word_keeps_its_words_in_order(language, text, matter):
    assert all(matter.replace(" ", "") in told for told in told_without_spaces(language, text))


@pytest.mark.parametrize(
    ("language", "text", "kept"),
    [
        ("en", "hi, please cancel my order", "cancel my order"),
        ("de", "hallo, ich suche rote schuhe", "rote schuhe"),
        ("es", "por favor quiero zapatos rojos", "zapatos rojos"),
        ("fr", "bonjour, je cherche une robe noire", "une robe noire"),
    ],
)
def test_greetings_and_openings_go_from_what_is_no_question(language, text, kept):
    assert kept in {restyle(text, random.Random(seed), language) for seed in range(60)}


def test_chinese_is_put_into_phrases_and_not_into_cases():
    found = {restyle("我想要红色的鞋", random.Random(seed), "zh") for seed in range(60)}
    assert "红色的鞋" in found and any("谢谢" in told for told in found)
    assert all("红色的鞋" in told for told in found)


@pytest.mark.parametrize(
    ("text", "words"),
    [("red running shoes", 3), ("红色运动鞋", 3), ("nike 红鞋", 2), ("größe 42", 2), ("鞋", 1)],
)
def test_words_are_counted_in_scripts_without_spaces_too(text, words):
    assert word_count(text) == words


def test_what_does_not_apply_to_chinese_is_not_measured(chinese):
    assert "word order" in perturbations() and "upper case" in perturbations()
    own = perturbations(None, chinese)
    assert set(own) == {"one typo", "two typos", "no spaces", "extra spaces"}
    texts = ["红鞋", "鞋手机"]
    changed = perturbed(texts, "one typo", own["one typo"])
    assert all(a != b and len(a) == len(b) for a, b in zip(texts, changed, strict=True))
    assert set(perturbations(None, typos_of("zh"))) == {"no spaces", "extra spaces"}
    for name, change in perturbations().items():  # of letters
        if name not in ("no spaces", "extra spaces", "word order"):
            assert perturbed(["红色运动鞋", "红色 运动鞋"], name, change) == [
                "红色运动鞋",
                "红色 运动鞋",
            ]


def test_robustness_is_measured_with_the_keyboard_of_the_language():
    slip = perturbations(None, typos_of("de"))["keyboard slip"]
    found = {slip("zzzz", random.Random(seed)) for seed in range(80)}
    assert {c for told in found for c in told} <= set("ztu")
