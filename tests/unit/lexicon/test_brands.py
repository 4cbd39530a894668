"""Brands: their words are nothing else, and an ordinary word is one only next to what it sells."""

import pytest

from worker.errors import LexiconError
from worker.lexicon import source
from worker.lexicon.brands import Brands, pack, unpack

BRANDS = {
    "black and decker sander": ["black and decker"],
    "gap blue jeans": ["gap"],
    "jeans gap": ["gap"],
    "levi's 501": ["levis"],
    "the north face backpack": ["north face"],
    "nike trainers": ["nike"],
    "hoover": ["hoover"],
    "kobalt leaf blower": ["kobalt"],
    "orren ellis l shaped desk": ["orren ellis"],
    "fuji instant camera": ["fujifilm"],
    "metcon shoes": ["nike"],
    "ninja foodi": ["ninja"],  # before its line
    "ninja costume": [],
    "fire stick remote": ["amazon"],
    "amazon fire 7": ["amazon"],
    "act mouthwash": ["act"],
    "3m half mask": ["3m"],
    "ladder 3m": [],
    "not your mothers dry shampoo": ["not your mothers"],
    "jordan shirts": ["jordan"],  # its department, where no product of its line stands
    "i like nike trainers": ["nike"],
    "trainers with nike logo": ["nike"],
    # what the thing is compared with, or is to fit
    "trainers like nike but cheaper": [],
    "cheaper than hoover vacuum": [],
    "alternatives to nike trainers": [],
    "ink compatible with fujifilm": [],
    "zyrtec generic": [],
    "fake airpods": [],
    # ordinary words
    "fuji white paint": [],
    "planters for outdoor plants": [],
    "1/2 hp garage door opener": [],
    "gap between the teeth": [],
    "apple pie": [],
    "target practice": [],
    # alone it is what is called so, unless the brand sells that
    "candy": [],
    "boots": [],
    "razor": [],
    "candy dishwasher": ["candy"],
    "razor electric scooter": ["razor"],
    "gap": ["gap"],
    "dyson or shark": ["dyson", "shark"],
    "shark vacuum cleaner filter": ["shark"],
    "shark vs dyson": ["shark", "dyson"],
    "lego or shark": ["lego"],
    "apple": ["apple"],
    "diamond studs": [],
}


@pytest.mark.parametrize("query", BRANDS)
def test_brands(lexicon, query):
    found = [a.value for a in lexicon.read(query).attributes if a.name == "brand"]
    assert [name.replace("'", "").removeprefix("the ") for name in found] == BRANDS[query]


@pytest.mark.parametrize(
    "query, value",
    [
        ("star wars poster", "star wars"),
        ("tmnt toys", "teenage mutant ninja turtles"),
    ],
)
def test_a_film_or_a_character_is_content_and_no_brand(lexicon, query, value):
    read = lexicon.read(query)
    assert [(a.name, a.value) for a in read.attributes] == [("content", value)]


@pytest.mark.parametrize("query", ["black and decker sander", "red bull", "gold bond lotion"])
def test_the_words_of_a_brand_are_no_color_or_material(lexicon, query):
    assert {a.name for a in lexicon.read(query).attributes} <= {"brand"}


def test_a_brand_that_is_a_word_for_its_product_stays_a_term(lexicon):
    [mention] = lexicon.read("hoover").mentions
    assert lexicon.name(mention.term_id) == "vacuum cleaner"


def folder(tmp_path, brands):
    (tmp_path / "shoes.txt").write_text("[Shoes]\nshoes = footwear\nboots < shoes\n")
    (tmp_path / "brands.txt").write_text(brands)
    return tmp_path


def test_the_source_file(tmp_path):
    read = source.read(
        folder(tmp_path, "# brands\nclarks | c & j clark : shoes\ngeox * : boots\nhush : x *\n")
    )
    clarks, geox, hush = read.brands
    assert clarks["name"] == "clarks"
    assert clarks["keys"] == [("clarks", False), ("c and j clark", False)]
    assert clarks["kinds"] == []  # it counts beside anything
    assert {"boots", "boot"} <= set(geox["kinds"])
    assert geox["keys"] == [("geox", True)]
    assert hush["keys"] == [("hush", True)]
    assert "geox" not in Brands(read.brands)
    assert "clarks" in Brands(read.brands)


def test_a_first_name_in_parentheses_is_published_and_not_looked_for(tmp_path):
    lines = "(act) | act mouthwash : shoes\n() | star wars | starwars : shoes\n"
    act, film = source.read(folder(tmp_path, lines)).brands
    assert (act["name"], act["keys"], act["content"]) == ("act", [("act mouthwash", False)], False)
    assert (film["name"], film["content"]) == ("star wars", True)
    assert film["keys"] == [("star wars", False), ("starwars", False)]


@pytest.mark.parametrize(
    "text, fault",
    [
        (
            "clarks : shoes\nclarks : boots\n",
            "brands.txt:2: found 'clarks', expected each name once",
        ),
        ("clarks | : shoes\n", "brands.txt:1: found 'clarks | : shoes'"),
        ("() : shoes\n", "brands.txt:1: found '() : shoes'"),
        ("(act*) | act mouthwash : shoes\n", "brands.txt:1: found '(act*) | act mouthwash"),
        ("(x) (y) | foo : shoes\n", "brands.txt:1: found '(x) (y)"),
        ("(a | b : shoes\n", "brands.txt:1: found '(a | b"),
    ],
)
def test_its_faults_by_line(tmp_path, text, fault):
    with pytest.raises(LexiconError) as caught:
        source.read(folder(tmp_path, text))
    assert [str(f) for f in caught.value.faults][0].startswith(fault)


def test_brands_of_one_published_name_sell_each_their_own(lexicon):
    stones, tools = map(lexicon.read, ("king whetstone", "hercules tools"))
    assert [a.value for read in (stones, tools) for a in read.attributes] == ["king", "hercules"]
    assert all(path.startswith("Kitchen") for path in lexicon.sold(stones))
    assert all(path.startswith("Tools") for path in lexicon.sold(tools))


def test_what_is_written_is_read_again(starter):
    written = [
        brand
        | {"keys": [tuple(key) for key in brand["keys"]]}
        | {"kinds": frozenset(brand["kinds"]), "sells": tuple(brand["sells"])}
        for brand in starter.brands
    ]
    assert unpack(pack(starter.brands)) == written
