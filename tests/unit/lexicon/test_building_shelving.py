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
        given = {name: [_written(tmp_path / name, text)] for name, text in files.items()}
        inputs = make.Inputs(**given, folders=[starter])
        make.make(inputs, STARTER_MODELS, tmp_path / "out", _no_bar)
        lexicon = Lexicon.load(tmp_path / "out")
        return lambda text: lexicon.category(lexicon.term_of(text))

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


def test_a_taxonomy_tells_categories_too(build):
    category = build(taxonomies="Home > Settees\nHome > Armchairs\nElectronics > Mobile Phones\n")
    assert category("sofa") == category("sectional sofa") == "Home > Settees"
    assert category("smartphone") == "Electronics > Mobile Phones"
    assert category("tv stand") in {"", "Home"}


def test_the_starters_stand_where_the_shop_has_none(build):
    category = build(catalogues=_catalogue(dict.fromkeys(KINDS, "")))
    assert category("sofa") == "Furniture > Living Room"
    assert category("earphones") == "Audio > Headphones"
