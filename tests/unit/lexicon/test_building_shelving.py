"""Categories of a build are the shop's, also of terms that only the starter knows."""

from contextlib import nullcontext

import pytest

from worker.config.settings import STARTER_MODELS
from worker.lexicon.building import make
from worker.lexicon.lexicon import Lexicon

STARTER = """\
[Furniture > Living Room]
sofa = couch, settee
sectional sofa = corner sofa < sofa
recliner sofa < sofa
loveseat
armchair
tv stand = tv console

[Phones > Phones]
mobile phone = cell phone
smartphone < mobile phone

[Groceries > Fruit]
blackberry

[Audio > Headphones]
earphones = earbuds

[Office > Paper]
notebook = writing notebook, jotter

[Computers > Laptops]
laptop = notebook computer

[Groceries > Bakery]
donuts
glazed donuts < donuts
bagels
bread
croissants
muffins
"""
KINDS = {
    "Leather Sofa": "House > Seats > Sofas",
    "Corner Sofa": "House > Seats > Sofas",
    "Armchair": "House > Seats > Armchairs",
    "Smartphone": "Telephony",
    "Mobile Phone": "Telephony",
    "Blackberry Smartphone": "Telephony",
}


def _no_bar(label, total):
    return nullcontext(lambda count: None)


@pytest.fixture(scope="module")
def starter(tmp_path_factory):
    folder = tmp_path_factory.mktemp("starter")
    (folder / "things.txt").write_text(STARTER)
    return folder


@pytest.fixture
def build(starter, tmp_path, monkeypatch):
    """Builds with a small starter; gives the category of each of its terms, by its name."""

    def built(**files):
        monkeypatch.setattr(make, "STARTER_LEXICON", starter)
        brands = files.pop("brands", "")
        (starter / "brands.txt").write_text(brands)
        given = {name: [_written(tmp_path / name, text)] for name, text in files.items()}
        inputs = make.Inputs(**given, folders=[starter])
        make.make(inputs, STARTER_MODELS, tmp_path / "out", _no_bar)
        lexicon = built.lexicon()
        return lambda text: lexicon.category(lexicon.term_of(text))

    built.lexicon = lambda: Lexicon.load(tmp_path / "out")
    return built


def _written(path, text):
    path.write_text(text)
    return path


def _catalogue(kinds):
    rows = [
        f"{n}{kind},{brand} {kind} {n} W,{brand},{path}"
        for kind, path in kinds.items()
        for n, brand in enumerate(["Acme", "Bolt", "Core"] * 2)
    ]
    return "\n".join(["id,title,brand,category", *rows]) + "\n"


def test_a_term_of_the_starter_has_the_shops_category(build):
    category = build(catalogues=_catalogue(KINDS))
    assert category("couch") == category("sofa") == "House > Seats > Sofas"
    assert category("sectional sofa") == "House > Seats > Sofas"
    assert category("cell phone") == "Telephony"


def test_one_that_no_title_names_has_that_of_the_term_above(build):
    assert build(catalogues=_catalogue(KINDS))("recliner sofa") == "House > Seats > Sofas"


def test_one_that_is_like_what_the_shop_sells_stands_near_it(build):
    category = build(catalogues=_catalogue(KINDS))
    assert category("loveseat").startswith("House > Seats")
    assert category("tv stand") in {"", "House", "House > Seats"}


def test_what_the_shop_does_not_sell_has_no_category(build):
    assert build(catalogues=_catalogue(KINDS))("earphones") == ""


def test_a_word_in_titles_of_other_things_is_not_put_with_them(build):
    """Blackberry smartphones are no fruit."""
    assert build(catalogues=_catalogue(KINDS))("blackberry") == ""


def test_a_term_of_the_shop_means_the_kind_of_thing_that_it_is_below(build):
    build(catalogues=_catalogue(KINDS), terms="oak armchair\n")
    terms = build.lexicon()._terms
    number = terms.term_of("oak armchair")
    assert terms.category(number) == "House > Seats > Armchairs"
    assert terms.department(number) == "Furniture"


def test_a_taxonomy_tells_categories_too(build):
    category = build(taxonomies="Home > Settees\nHome > Armchairs\nElectronics > Mobile Phones\n")
    assert category("sofa") == category("sectional sofa") == "Home > Settees"
    assert category("smartphone") == "Electronics > Mobile Phones"
    assert category("tv stand") in {"", "Home"}


BAKERY = "".join(
    f"Food > Bakery > {name}\n" for name in ("Bagels", "Bread", "Croissants", "Muffins")
)
PETS = "Pets > Dog Supplies > Dog Beds > Donuts\n"


def test_a_category_of_another_sense_gives_way_to_that_of_like_things(build):
    category = build(taxonomies=PETS + BAKERY)
    assert category("donuts").startswith("Food")
    assert category("glazed donuts") == category("donuts")


def test_of_two_categories_of_one_name_that_counts_where_like_things_are(build):
    category = build(taxonomies=PETS + BAKERY + "Food > Bakery > Donuts\n")
    assert category("donuts") == "Food > Bakery > Donuts"


def test_a_category_stands_where_nothing_tells_of_another_sense(build):
    assert build(taxonomies=PETS + "Food > Bakery > Bread\n")("donuts") == PETS.strip()


def test_the_starters_stand_where_the_shop_has_none(build):
    category = build(catalogues=_catalogue(dict.fromkeys(KINDS, "")))
    assert category("sofa") == "Furniture > Living Room"
    assert category("earphones") == "Audio > Headphones"


def test_titles_tell_where_a_thing_of_the_starter_stands_if_it_stands_alone_in_them(build):
    kinds = KINDS | {"Tv Stand": "Sale"}
    assert build(catalogues=_catalogue(kinds))("tv console") == "Sale"


def test_a_rule_tells_which_of_two_senses_a_shop_means(build):
    build(synonyms="laptop, notebook\n", terms="laptop\n")
    lexicon = build.lexicon()
    assert {*lexicon.names(lexicon.term_of("notebook"))} == {"notebook", "laptop"}


@pytest.mark.parametrize(
    "rule, brands", [("mac => trench coat", []), ("mac, macs cosmetics", ["mac"])]
)
def test_a_thing_that_a_rule_names_is_no_brand_that_the_shop_lacks(build, rule, brands):
    build(synonyms=rule + "\n", brands="mac | macs cosmetics : lipstick\n")
    found = build.lexicon().read("red mac").attributes
    assert [a.value for a in found if a.name == "brand"] == brands


@pytest.mark.parametrize("paths", ["All\n", ""])
def test_one_category_for_all_says_nothing(build, paths):
    assert (
        build(terms="sofa\n", taxonomies=paths or "# none\n")("earphones") == "Audio > Headphones"
    )


def test_a_rule_takes_no_category_from_a_term_that_a_category_is_called_like(build):
    category = build(taxonomies="Tech > Notebooks\nTech > Laptops\n", synonyms="laptop, notebook\n")
    assert category("notebook") == "Tech > Notebooks"
