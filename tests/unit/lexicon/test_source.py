"""A source folder's faults are all reported at once, by file and line."""

import pytest

from worker.errors import LexiconError
from worker.lexicon import source


def write(folder, **files: str):
    for name, text in files.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return folder


def faults(folder) -> list[str]:
    with pytest.raises(LexiconError) as caught:
        source.read(folder)
    return [str(fault) for fault in caught.value.faults]


def test_a_good_folder(tmp_path):
    read = source.read(
        write(
            tmp_path,
            shoes="# all sorts\n[Shoes]\nshoes = footwear\n\n[Shoes > Boots]\n"
            "boots = boot, bootees < shoes  # winter\n",
        )
    )
    shoes, boots = read.terms
    assert (shoes.name, shoes.synonyms, shoes.category) == ("shoes", ("footwear",), "Shoes")
    assert (boots.texts, boots.category) == (("boots", "boot", "bootees"), "Shoes > Boots")
    assert boots.place == "shoes.txt:6"
    assert read.parents == [None, 0]
    assert read.attributes["values"]["crimson"] == ("color", "red")  # the starter's table


@pytest.mark.parametrize(
    "text, expected",
    [
        ("shoes = footwear\n", "a.txt:1: found a term before any heading"),
        ("[Shoes]\n[Shoes > Boots]\nboots\n", "a.txt:1: found [Shoes] without a term"),
        ("[Shoes]\nboots\n[Shoes > Boots]\n", "a.txt:3: found [Shoes > Boots] without a term"),
        ("[Shoes > ]\nboots\n", "a.txt:1: found '[Shoes > ]'"),
        ("[Shoes\nboots\n", "a.txt:1: found '[Shoes'"),
        ("[Shoes]\nboots\nBoots 2\n", "a.txt:3: found 'Boots 2'"),
        ("[Shoes]\nboots = booties, , bootees\n", "a.txt:2: found ''"),
        ("[Shoes]\nboots =\n", "a.txt:2: found ''"),
        ("[Shoes]\nboots <\n", "a.txt:2: found ''"),
        ("[Shoes]\nboots; shoes\n", "a.txt:2: found 'boots; shoes'"),
        ("[Shoes]\nboots\nclogs\nboots\n", "a.txt:4: found 'boots', expected each text once"),
        ("[Shoes]\nboots = booties\nbooties\n", "a.txt:3: found 'booties', expected each text"),
        ("[Shoes]\nboots < shoes\n", "a.txt:2: found < shoes, expected the name of a term"),
        ("[Shoes]\nboots < boots\n", "a.txt:2: found 'boots' is broader than itself"),
    ],
)
def test_a_fault_by_file_and_line(tmp_path, text, expected):
    [fault] = faults(write(tmp_path, a=text))
    assert fault.startswith(expected)


def test_all_faults_in_one_listing(tmp_path):
    found = faults(
        write(tmp_path, a="[Shoes]\nBOOTS\nclogs < nothing\n", b="[Hats]\nhat = cap\ncap\n")
    )
    assert [fault.split(": ")[0] for fault in found] == ["a.txt:2", "a.txt:3", "b.txt:3"]


def test_a_synonym_as_parent_names_the_term_to_write(tmp_path):
    [fault] = faults(write(tmp_path, a="[Shoes]\nshoes = footwear\nboots < footwear\n"))
    assert fault.endswith("write 'shoes'")


def test_a_circle_is_reported_for_each_term_in_it(tmp_path):
    found = faults(write(tmp_path, a="[A]\none < two\ntwo < three\nthree < one\nfour < one\n"))
    assert [fault.split(": ")[0] for fault in found] == ["a.txt:2", "a.txt:3", "a.txt:4"]


def test_two_files_may_use_one_text_and_a_parent_is_sought_in_its_own_first(tmp_path):
    read = source.read(
        write(
            tmp_path,
            computers="[Computers]\nkeyboard\nmechanical keyboard < keyboard\n",
            music="[Music]\nkeyboard\nstage keyboard < keyboard\n",
            other="[Other]\nfolding keyboard < keyboard\n",
        )
    )
    assert read.parents == [None, 0, None, 2, 0]


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"[Shoes]\nb\xff\n")
    [fault] = faults(tmp_path)
    assert fault.startswith("a.txt: ") and "UTF-8" in fault


def test_misspellings_are_those_of_the_folder_else_the_starters(tmp_path):
    folder = write(tmp_path, a="[Shoes]\nshoes\n")
    assert source.read(folder).attributes["misspellings"]["maniquin"] == "mannequin"
    (folder / "misspellings.txt").write_text("# ours\nShoos => shoes\nsno  shoos => snow shoes\n")
    own = source.read(folder).attributes["misspellings"]
    assert own == {"shoos": "shoes", "sno shoos": "snow shoes"}


@pytest.mark.parametrize(
    "text, fault",
    [
        ("shoos shoes\n", "misspellings.txt:1: found 'shoos shoes', expected typed => meant"),
        ("shoos =>\n", "misspellings.txt:1: found 'shoos =>'"),
        ("shoes => shoes\n", "misspellings.txt:1: found 'shoes => shoes'"),
        ("a b c d e => f\n", "misspellings.txt:1: found 'a b c d e => f'"),
        ("a => b => c\n", "misspellings.txt:1: found 'a => b => c'"),
        ("snow boots => snow-boots\n", "misspellings.txt:1: found 'snow boots => snow-boots'"),
        ("boots => snow boots\n", "misspellings.txt:1: found 'boots => snow boots'"),
        ("a => <b>\n", "misspellings.txt:1: found 'a => <b>'"),
        ("a => b\nb => c\n", "misspellings.txt:1: found 'b', expected what is meant to be right"),
        ("a => b\na => c\n", "misspellings.txt:2: found 'a', expected each once"),
        ("acme fast\n", "models.txt:1: found 'acme fast', expected maker : line, line*"),
        (": fast\n", "models.txt:1: found ': fast'"),
        ("acme : fast =\n", "models.txt:1: found 'acme : fast ='"),
        ("acme : fast, , slow\n", "models.txt:1: found 'acme : fast, , slow'"),
        ("acme : fast\nACME : slow\n", "models.txt:2: found 'acme', expected each maker once"),
    ],
)
def test_faults_of_misspellings_and_lines_by_line(tmp_path, text, fault):
    folder = write(tmp_path, a="[Shoes]\nshoes\n")
    (folder / fault.partition(":")[0]).write_text(text)
    [found] = faults(folder)
    assert found.startswith(fault)


def test_lines_are_those_of_the_folder_else_the_starters(tmp_path):
    folder = write(tmp_path, a="[Shoes]\nshoes\n")
    assert "civic" in source.read(folder).attributes["lines"]["of"]["honda"]
    text = "# ours\nAcme Co : Fast = Shoes, cr-v, ultraboost* = shoes\n: ps = console\n"
    (folder / "models.txt").write_text(text)
    assert source.read(folder).attributes["lines"] == {
        "of": {"acme co": "\nfast\ncr v\nultraboost\n"},
        "alone": ["ultraboost"],
        "things": {
            "acme co": "\nfast=shoes\nultraboost=shoes\n",
            "": "\nultraboost=shoes\nps=console\n",
        },
    }


def test_an_empty_folder(tmp_path):
    with pytest.raises(LexiconError, match=r"no \*\.txt in it"):
        source.read(tmp_path)
    write(tmp_path, a="# nothing yet\n")
    with pytest.raises(LexiconError, match=r"no term in its \*\.txt"):
        source.read(tmp_path)


def test_a_folder_that_is_called_like_a_source_file(tmp_path):
    (tmp_path / "a.txt").mkdir()
    [fault] = faults(tmp_path)
    assert fault.startswith("a.txt: found Is a directory")


@pytest.mark.parametrize(
    "name, text, expected",
    [
        ("words", "plurals = 3", "words.toml: found plurals = 3, expected a valid dictionary"),
        ("words", "plurals = {", "words.toml: found"),
        ("attributes", "[color]\nred = 'crimson'", "attributes.toml: found color.red = 'crimson'"),
        ("attributes", "[color]\nred = ['Red']", "attributes.toml: found color.red.0 = 'Red'"),
        ("attributes", "[colour]\nred = ['red']", "attributes.toml: found colour = "),
        (
            "attributes",
            "[color]\nred = ['wine']\nburgundy = ['wine']",
            "attributes.toml: found 'wine' in [color] burgundy",
        ),
        ("attributes", "color = 5", "attributes.toml: found color = 5, expected"),
        ("attributes", "unit = 5", "attributes.toml: found unit = 5, expected"),
        ("attributes", "[unit]\nsize = 5", "attributes.toml: found unit.size = 5, expected"),
        ("attributes", "beside = 5", "attributes.toml: found beside = 5, expected"),
        ("attributes", "beside = [5]", "attributes.toml: found beside.0 = 5, expected"),
        (
            "attributes",
            "[[beside]]\nwords = 5",
            "attributes.toml: found beside.0.words = 5, expected",
        ),
        ("attributes", "[unit.colour]\nkg = ['kg']", "attributes.toml: found unit.colour"),
        ("attributes", "[[beside]]\nwords = ['rose']", "attributes.toml: found beside.0"),
        (
            "attributes",
            "[[beside]]\nwords = ['rose']\nexcept = ['Food']",
            "attributes.toml: found [[beside]] 'Food'",
        ),
        (
            "attributes",
            "[[whose]]\nvalues = ['men']\nshelves = { Shoes = 'Shoes > Formal' }",
            "attributes.toml: found [[whose]] 'Shoes > Formal', expected a category",
        ),
        (
            "attributes",
            "[persons]\n\"women's\" = 'ladies'",
            'attributes.toml: found [persons] "women\'s", expected words without marks; '
            "write 'womens'",
        ),
        (
            "attributes",
            "[[beside]]\nwords = ['rose']\nexcept = ['Shoes > Boots']",
            "attributes.toml: found [[beside]] 'Shoes > Boots', expected a department",
        ),
        (
            "attributes",
            "[[materials]]\nwords = ['ruby']\ndepartments = ['Rings']",
            "attributes.toml: found [[materials]] 'Rings', expected a department",
        ),
        (
            "attributes",
            "[same]\n\"non-slip\" = 'anti slip'",
            "attributes.toml: found [same] 'non-slip', expected words without marks; "
            "write 'non slip'",
        ),
        ("attributes", "[persons]\nkids = 'Children'", "attributes.toml: found persons.kids"),
        (
            "attributes",
            "[gender]\nmen = ['men']\n[persons]\n\"for men\" = 'gents'\nmugs = 'cups'",
            "attributes.toml: found [persons] 'mugs', expected a word of [gender] or [age]",
        ),
    ],
)
def test_faults_of_the_tables(tmp_path, name, text, expected):
    write(tmp_path, a="[Shoes]\nshoes\n")
    (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    [fault] = faults(tmp_path)
    assert fault.startswith(expected)
