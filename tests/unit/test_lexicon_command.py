"""`query-worker lexicon`: what it prints, as text and JSON, and how it fails."""

import os
import re
import shutil
import signal
from threading import Event, Thread

import orjson
import pytest
from click.testing import CliRunner

from tests import languages
from worker.commands.cli import cli
from worker.config.settings import STARTER_LEXICON, STARTER_MODELS
from worker.lexicon import build
from worker.lexicon.inspect import sentence

CATALOGUE = "".join(
    f'{{"id": "{n}", "title": "{brand} Electric Kettle {n} W", "brand": "{brand}",'
    f' "category": "Kitchen > Kettles"}}\n'
    for n, brand in enumerate(["Acme", "Bolt", "Core"] * 3)
)
RULES = "kettle, water boiler\n"


def run(*arguments):
    return CliRunner().invoke(cli, ["lexicon", *map(str, arguments)])


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    (folder / "products.jsonl").write_text(CATALOGUE)
    (folder / "synonyms.txt").write_text(RULES)
    for name, others in (("old", ()), ("new", ("--synonyms", folder / "synonyms.txt"))):
        given = "--catalogue", folder / "products.jsonl", *others
        result = run("build", *given, "--out", folder / name)
        assert result.exit_code == 0, result.output
    return folder, result


def test_build_says_what_was_made(built):
    folder, result = built
    assert result.stdout.startswith(f"{folder}/new: version ")
    assert "3 terms with 1 other names, 3 brands, from 9 products" in result.stdout
    proposed = (folder / "new" / "proposed-synonyms.txt").read_text().splitlines()[1:]
    end = f"names proposed, not used: {len(proposed)}, each a line of proposed-synonyms.txt there\n"
    assert result.stdout.endswith(end)
    assert (folder / "new" / "report.md").read_text().startswith("# Lexicon\n- products: 9\n")


def test_build_tells_each_phase_and_its_seconds_where_there_is_no_terminal(built):
    phases = re.findall(r"(.+): (?:[\d,]+ in )?\d+\.\d s", built[1].stderr)
    assert phases == ["products.jsonl", "phrases", "links", "vectors", "matching"]


def test_build_names_what_it_did_not_use(tmp_path):
    (tmp_path / "p.csv").write_text("id,title,manufacturer\n1,Kettle,Acme\n")
    (tmp_path / "log.csv").write_text("query,id\nkettle,9\nkettle,8\n")
    (tmp_path / "terms.txt").write_text("kettle\n")
    files = "--terms", tmp_path / "terms.txt", "--queries", tmp_path / "log.csv"
    result = run("build", "--catalogue", tmp_path / "p.csv", *files, "--out", tmp_path / "out")
    notes = [
        "p.csv: columns that are not read: manufacturer; none is read as brand or category or"
        " attributes: name it, as in --fields brand=manufacturer",
        "clicks: 2 rows, 0 of a product in the catalogues; the column id must hold the ids of the"
        " catalogue",
    ]
    assert result.stderr.splitlines()[-2:] == notes
    report = (tmp_path / "out" / "report.md").read_text()
    assert all(f"- {note}\n" in report for note in notes)
    assert "- clicks: 2\n- clicks of products: 0\n" in report
    assert run("show", "kettle", "--lexicon", tmp_path / "out").stdout.startswith(
        "kettle  (no category)\n"
    )


def test_build_says_where_titles_are_in_a_language_that_it_is_not_for(tmp_path):
    rows = [f"{n},Acme Laufschuhe für Damen {n},Schuhe" for n in range(12)]
    (tmp_path / "p.csv").write_text("\n".join(["id,title,category", *rows]) + "\n")
    given = "build", "--catalogue", tmp_path / "p.csv", "--out", tmp_path / "out"
    note = run(*given).stderr.splitlines()[-1]
    assert "titles: 100% are in the language 'de'; this lexicon and its models are for en" in note
    assert (
        "make an entry [languages.de] with models for it, and build it with --language de" in note
    )
    served = run(*given, "--set", "understanding.languages=en,de")
    assert served.exit_code == 0 and "titles:" not in served.stderr


def test_an_interrupted_build_says_that_the_same_command_goes_on(tmp_path):
    os.mkfifo(tmp_path / "terms.txt")

    def interrupt():
        with (tmp_path / "terms.txt").open("w"):  # it waits for the build to open it
            os.kill(os.getpid(), signal.SIGINT)
            ended.wait(60)

    ended, thread = Event(), Thread(target=interrupt)
    thread.start()
    result = run("build", "--terms", tmp_path / "terms.txt", "--out", tmp_path / "out")
    ended.set()
    thread.join()
    assert result.exit_code != 0 and not (tmp_path / "out").exists()
    assert "interrupted; the same command goes on where it was" in result.stderr


def test_show_tells_names_and_what_they_rest_on(built):
    result = run("show", "Kettle", "--lexicon", built[0] / "new")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[:3] == [
        "kettles  (Kitchen > Kettles, by a category of its name)",
        "  = water boiler  [rule, weight 0.97, file synonyms.txt:1]",
        "  < kitchen  [category, weight 0.90, path Kitchen > Kettles]",
    ]
    told = orjson.loads(run("show", "kettle", "--lexicon", built[0] / "new", "--json").stdout)
    [name] = told["names"]
    assert (name["name"], name["used"], name["weight"]) == ("water boiler", True, 0.97)
    assert told["narrower"] == ["electric kettle"]


def test_show_works_on_a_lexicon_without_evidence():
    told = orjson.loads(run("show", "sneakers", "--lexicon", STARTER_LEXICON, "--json").stdout)
    assert told["names"] and told["neighbours"] and told["origins"] is None


def test_an_unknown_term_is_one_line_with_similar_ones(built):
    result = run("show", "blue kettle", "--lexicon", built[0] / "new")
    assert result.exit_code != 0 and result.stdout == ""
    assert "'blue kettle': no term of the lexicon; similar are: kettles" in str(result.exception)
    assert result.exception.exit_code == 2


def test_search_finds_by_words_and_by_meaning(built):
    told = orjson.loads(run("search", "kettles", "--lexicon", built[0] / "new", "--json").stdout)
    assert [hit["term"] for hit in told["lexical"]] == ["kettles", "electric kettle"]
    assert told["nearest"][0]["term"] == "kettles"
    shown = run("search", "kettles", "--lexicon", built[0] / "new").stdout
    assert shown.startswith("lexical:\n  kettles  Kitchen > Kettles\n")


def test_diff_lists_what_was_added_and_removed(built):
    old, new = built[0] / "old", built[0] / "new"
    shown = run("diff", old, new).stdout.splitlines()
    assert shown[0].startswith("version ") and shown[0].endswith(", names +1")
    assert "+ name: kettles = water boiler" in shown
    assert "- name: kettles = water boiler" in run("diff", new, old).stdout
    assert run("diff", old, old).stdout.splitlines()[1:] == ["no difference"]
    told = orjson.loads(run("diff", old, old, "--json").stdout)
    assert told["terms"] == told["names"] == {"added": [], "removed": []}


def test_diff_tells_terms_of_one_name_apart_by_their_categories(tmp_path):
    for name, hats in (("old", "[Hats]\nhat\n"), ("new", "[Hats]\nhat\nmat = cover\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text("[Floors]\nmat = rug\n")
        (tmp_path / name / "b.txt").write_text(hats)
        build.build(tmp_path / name, STARTER_MODELS, tmp_path / name / "built")
    shown = run("diff", tmp_path / "old", tmp_path / "new").stdout.splitlines()[1:]
    assert "+ term: mat (Hats)" in shown and "+ name: mat (Hats) = cover" in shown
    assert not any("Floors)" in line and "rug" in line for line in shown)


def test_search_refuses_an_encoder_that_reads_another_prompt(built, tmp_path):
    shutil.copytree(STARTER_MODELS, tmp_path / "models")
    path = tmp_path / "models" / "encoder" / "model.json"
    described = orjson.loads(path.read_bytes())
    path.write_bytes(orjson.dumps(described | {"prompts": {"query": "", "document": "passage: "}}))
    models = f"inference.models={tmp_path / 'models'}"
    result = run("search", "kettles", "--lexicon", built[0] / "new", "--set", models)
    assert "built with another encoder or prompt" in str(result.exception)


def test_a_language_has_its_own_models_and_lexicon(tmp_path):
    models = languages.models(tmp_path / "models", german=("encoder",))
    prompts = {"query": "", "document": "Wort: "}
    languages.change(models / "encoder_de", prompts=prompts)
    (tmp_path / "terms.txt").write_text("Laufschuhe\n")
    flags = languages.flags(models, tmp_path / "de", german=("encoder",))
    given = [part for flag in flags for part in ("--set", flag)] + ["--language", "de"]
    result = run("build", "--terms", tmp_path / "terms.txt", "--out", tmp_path / "de", *given)
    assert result.exit_code == 0, result.output
    manifest = orjson.loads((tmp_path / "de" / "lexicon.json").read_bytes())
    assert manifest["document_prompt"] == "Wort: "
    assert run("show", "laufschuhe", *given).stdout.startswith("laufschuhe ")
    assert run("search", "laufschuhe", *given).exit_code == 0
    unknown = run("show", "laufschuhe", "--language", "fr")
    assert "there is no [languages.fr]; add it to the configuration" in str(unknown.exception)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["build", "--out", "x"], "nothing to build from; give --catalogue"),
        (["build", "--catalogue", "no.csv", "--out", "x"], "no.csv: found no such file"),
        (["build", "--catalogue", "a", "--fields", "x", "--out", "x"], "--fields: found 'x'"),
        (["build", "--terms", "a", "--out", __file__ + "/x"], "(File exists); name with --out"),
        (["show", "x", "--lexicon", "nowhere"], "nowhere/lexicon.json: not found"),
        (["diff", "nowhere", "nowhere"], "nowhere/lexicon.json: not found"),
        (["search", "!?"], "no word to search for"),
        (
            ["build", "--terms", "a", "--out", "x", "--set", "inference.models=no"],
            "name with --set inference.models=DIR the folder",
        ),
    ],
)
def test_wrong_usage_ends_with_2_and_the_remedy(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert message in str(result.exception)
    assert result.exception.exit_code == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["build", "show", "search", "diff"])
def test_every_command_has_help_with_an_example(command):
    result = run(command, "--help")
    assert result.exit_code == 0 and "Example:" in result.stdout and "--json" in result.stdout


def test_explain_tells_what_a_link_rests_on(built):
    folder = f"lexicon.folder={built[0] / 'new'}"
    result = CliRunner().invoke(cli, ["explain", "electric kettle", "--set", folder, "--json"])
    assert result.exit_code == 0, result.output
    result = CliRunner().invoke(cli, ["explain", "kettle", "--set", folder, "--json"])
    [candidate] = orjson.loads(result.stdout)["candidates"]
    assert candidate["term"] == "water boiler"
    assert candidate["evidence"] == "another name of kettles, by synonyms.txt:1"


@pytest.mark.parametrize(
    "link, words",
    [
        ({"kind": "rule", "file": "s.txt:3"}, "by s.txt:3"),
        ({"kind": "clicks", "clicks": 37, "products": 5}, "by 37 shared clicks on 5 products"),
        ({"kind": "titles", "titles": 214}, "in 214 titles together"),
    ],
)
def test_evidence_is_told_in_words(link, words):
    assert sentence(link) == words
