"""What the starter's terms are also called: the same thing, not one beside it."""

import pytest


@pytest.fixture(scope="module")
def names(starter):
    """All names of the term that has this one."""
    of = {text: set(term.texts) for term in starter.terms for text in term.texts}
    return of.__getitem__


@pytest.mark.parametrize(
    "name, other",
    [
        ("impact driver", "impact drill driver"),
        ("duct tape", "gaffer tape"),
        ("wall plugs", "drywall anchors"),
        ("touch up paint", "scratch repair pen"),
        ("fence paint", "fence stain"),
        ("glue stick", "paper glue"),
        ("sneakers", "tennis shoes"),
        ("swing set", "garden swing"),
        ("coloring book", "coloring pages"),
        ("pinafore dress", "dungaree dress"),
        ("curtain rod", "curtain rail"),
        ("dresser", "bureau"),
        ("padlock", "combination lock"),
        ("granola", "muesli"),
        ("oven mitt", "pot holders"),
        ("shower screen", "shower door"),
        ("fishing line", "braided line"),
        ("distortion pedal", "overdrive pedal"),
    ],
)
def test_a_thing_beside_it_is_no_other_name(names, name, other):
    assert other not in names(name) and other in names(other)


@pytest.mark.parametrize(
    "name, other",
    [
        ("muffin tray", "muffin tin"),
        ("football kit", "soccer kit"),
        ("weedeater string", "strimmer line"),
        ("diapers size", "nappies size"),
        ("convertible crib", "cot bed"),
        ("console table", "hall table"),
        ("proofing basket", "bread proving basket"),
    ],
)
def test_everyday_and_british_names_are_the_same(names, name, other):
    assert other in names(name)


def test_swimwear_for_children_is_no_womens_or_mens(starter):
    shelves = {who: paths for values, paths in starter.attributes["whose"] for who in values}
    assert shelves["girls"]["Women's Clothing > Swimwear"] == "Kids' Clothing > Girls"
    assert shelves["boys"]["Men's Clothing > Swim & Leisure"] == "Kids' Clothing > Boys"
